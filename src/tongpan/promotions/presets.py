"""A small rulebook with the offers that the plans name (PRM-03, PRM-07), to begin with.

Of the two cases that are known to meet, the live-room coupon of 50 does not stack with "300 minus 50" of the shop (the
conflict), and the community coupon of 20 does (planned stacking): the stack matrix says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

LIVE_COUPON = "live-50"
COMMUNITY_COUPON = "community-20"
TRY_ON_COUPON = "try-on-50"
ONLINE_COUPON = "online-20-percent"
REPURCHASE_COUPON = "repurchase-10-percent"
PICKUP_COUPON = "pickup-10"
_ALL = {"all": True}


def known_offers(
    *, shop: str, live: str, community: str, stores: str, online: tuple[str, ...], starts: date, ends: date
) -> dict[str, Any]:
    """The document. shop, live, community, stores: channel codes; online: all on which goods are ordered online.

    [starts, ends]: the days of the offers that have an end, the last included.
    """
    window = {"starts_at": starts.isoformat(), "ends_at": ends.isoformat()}
    rules = [
        _rule("shop-300-50", "店铺满300减50", "300 minus 50", "stepped", channels=(shop,), group="full-reduction")
        | {"benefit": {"steps": [{"from_minor": 30_000, "amount_minor": 5_000}]}, "window": window},
        _coupon(LIVE_COUPON, "直播间50元券", "Live-room coupon of 50", {"amount_minor": 5_000}, "live-coupon")
        | {
            "conditions": {"channels": sorted({live, shop})},
            "window": window,
            "payers": {"shop": 50, "influencer": 50},
        },
        _coupon(COMMUNITY_COUPON, "社群券再减20", "Community coupon of 20", {"amount_minor": 2_000}, "community-coupon")
        | {"conditions": {"channels": sorted({community, shop})}, "window": window},
        _coupon(
            TRY_ON_COUPON, "到店试穿立减50元", "50 off after trying on in a store", {"amount_minor": 5_000}, "store"
        )
        | {"conditions": {"channels": [stores], "min_minor": 20_000}},
        _coupon(
            PICKUP_COUPON,
            "附近门店自提优惠券",
            "10 off when fetched in a store near by",
            {"amount_minor": 1_000},
            "store",
        )
        | {"conditions": {"channels": sorted(online), "min_minor": 5_000}},
        _coupon(ONLINE_COUPON, "线上下单8折", "20 % off online orders", {"percent": 20, "max_minor": 10_000}, "percent")
        | {"kind": "percent", "conditions": {"channels": sorted(online)}, "limits": {"uses_per_customer": 1}},
        _coupon(REPURCHASE_COUPON, "线上专属复购优惠", "10 % off the next order", {"percent": 10}, "percent")
        | {"kind": "percent", "conditions": {"channels": sorted(online), "new_customer": False}},
        _rule("wednesday-flash", "周三秒杀", "Wednesday flash sale", "flash_sale", channels=(shop,), group="flash")
        | {
            "scope": {"tags": ["core"]},
            "benefit": {"percent": 15},
            "window": {**window, "weekly": [{"days": ["wed"], "from": "20:00", "to": "24:00"}]},
            "limits": {"units": 500, "units_per_customer": 2},
        },
        _rule("member-5", "会员专享95折", "5 % off for members, everywhere", "member_price", group="member")
        | {"benefit": {"percent": 5}},
        _rule("free-postage", "满99包邮", "Free shipping from 99", "free_shipping", channels=online, group="shipping")
        | {"benefit": {}, "conditions": {"channels": sorted(online), "min_minor": 9_900}},
    ]
    return {
        "stack": [
            ["full-reduction", "community-coupon"],
            ["member", "full-reduction"],
            ["member", "community-coupon"],
            ["member", "live-coupon"],
            ["member", "store"],
        ],
        "rules": rules,
    }


def _rule(
    code: str, name_zh: str, name_en: str, kind: str, *, channels: tuple[str, ...] = (), group: str
) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "code": code,
        "name_zh": name_zh,
        "name_en": name_en,
        "kind": kind,
        "group": group,
        "scope": _ALL,
    }
    return rule | ({"conditions": {"channels": sorted(channels)}} if channels else {})


def _coupon(code: str, name_zh: str, name_en: str, benefit: Mapping[str, Any], group: str) -> dict[str, Any]:
    rule = _rule(code, name_zh, name_en, "amount", group=group)
    return rule | {"benefit": dict(benefit), "needs_coupon": True}
