"""Rulebooks and campaigns, coupons, and the counters that limits and budgets are taken from."""

from tongpan.promotions.activities.models import (
    EntrySource,
    Group,
    GroupOffer,
    GroupPlace,
    GroupState,
    Lottery,
    LotteryDraw,
    LotteryPrize,
    PlaceState,
    PrizeKind,
)
from tongpan.promotions.conflicts.models import Acceptance, Check, CheckFinding, StackNotice
from tongpan.promotions.models.counters import Counter, PricedOrder, Usage
from tongpan.promotions.models.coupons import (
    BatchKind,
    BatchTarget,
    CodeSpace,
    Coupon,
    CouponBatch,
    CouponState,
    FailedCode,
)
from tongpan.promotions.models.rulebooks import Announcement, Campaign, DiscountMode, Draft, RulebookVersion

__all__ = [
    "Acceptance",
    "Announcement",
    "BatchKind",
    "BatchTarget",
    "Campaign",
    "Check",
    "CheckFinding",
    "CodeSpace",
    "Counter",
    "Coupon",
    "CouponBatch",
    "CouponState",
    "DiscountMode",
    "Draft",
    "EntrySource",
    "FailedCode",
    "Group",
    "GroupOffer",
    "GroupPlace",
    "GroupState",
    "Lottery",
    "LotteryDraw",
    "LotteryPrize",
    "PlaceState",
    "PricedOrder",
    "PrizeKind",
    "RulebookVersion",
    "StackNotice",
    "Usage",
]
