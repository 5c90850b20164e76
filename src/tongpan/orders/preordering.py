"""What a pre-order costs to hold, and until when its balance may be paid. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_CAP = 10_000_000
MAX_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class OfferSpec:
    """An offer as people set it (``orders.models.PreorderOffer``). channel_code: "" for every channel."""

    sku_code: str
    cap: int
    channel_code: str = ""
    deposit_percent: int = 0
    deposit_minor: int | None = None
    expected_at: datetime | None = None
    balance_hours: int = 72
    balance_due_at: datetime | None = None
    is_open: bool = True


def offer_problem(spec: OfferSpec) -> str:
    """Why an offer cannot be, or ""."""
    if not 0 < spec.cap <= MAX_CAP:
        return f"The cap of {spec.sku_code} is {spec.cap}; give 1 to {MAX_CAP} units."
    if not 0 <= spec.deposit_percent <= 100:
        return f"The deposit of {spec.sku_code} is {spec.deposit_percent} percent; give 0 to 100."
    if spec.deposit_minor is not None and (spec.deposit_minor <= 0 or spec.deposit_percent):
        return f"The deposit of {spec.sku_code} is a share or an amount above 0, not both."
    if spec.deposit_minor is not None and not spec.channel_code:
        return f"The deposit of {spec.sku_code} is an amount: name the channel whose currency it is in."
    if not 0 < spec.balance_hours <= MAX_HOURS:
        return f"The balance of {spec.sku_code} is due after 1 to {MAX_HOURS} hours."
    if any(at is not None and at.utcoffset() is None for at in (spec.expected_at, spec.balance_due_at)):
        return f"A time of {spec.sku_code} has no zone."
    return ""


def deposit_of(amount_minor: int, qty: int, percent: int, unit_minor: int | None) -> int:
    """What must be paid to hold ``qty`` units that cost ``amount_minor`` together: the share, rounded up to the minor
    unit, or the amount a unit; never more than they cost."""
    wanted = unit_minor * qty if unit_minor is not None else -(-amount_minor * percent // 100)
    return max(0, min(amount_minor, wanted))


def balance_due(now: datetime, hours: int, not_before: datetime | None) -> datetime:
    """Until when the goods that are there since ``now`` are kept for the balance."""
    after = now + timedelta(hours=hours)
    return after if not_before is None else max(after, not_before)
