"""When a subscription comes again, and what its settings may be. Pure.

Days are those of the channel's zone. A rhythm keeps its own day: one of the 31st that falls into February comes on its
last day, and on the 31st again in March.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from tongpan.core.errors import Refusal
from tongpan.orders.engine import UNSAID, BuyerDoc, DeliveryDoc, ShipTo

SETTING = "orders.subscriptions"
"""Where the rules are stored (``core.stored``)."""
NOWHERE = ShipTo()
UNITS = ("week", "month")
PRICES = ("agreed", "list")
MOST_LINES = 100
MAX_QTY = 100_000
MAX_UNIT_MINOR = 10**12
MOST_EVERY = {"week": 52, "month": 24}


class Rhythm(NamedTuple):
    """Every so many weeks on a weekday (``day`` 1 is Monday), or every so many months on a day of the month."""

    unit: Literal["week", "month"]
    every: int
    day: int


@dataclass(frozen=True, slots=True)
class Rules:
    """price: what a run costs: as "agreed" with the subscriber, or as on that day by the "list", like a cart: the price
    book, the shop's listing where it has no price, and promotions.

    remind_days: the subscriber is reminded so long before. pay_hours: so long the goods are kept for the payment.
    retry_hours: a run that failed is tried again after so long, ``tries`` times in all.
    """

    price: str = "agreed"
    remind_days: int = 3
    pay_hours: int = 48
    retry_hours: int = 24
    tries: int = 3


@dataclass(frozen=True, slots=True)
class LineSpec:
    """Units of a SKU in every run, at the unit price that was agreed, in minor units."""

    sku_code: str
    qty: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """A subscription as it shall be. first_on: the earliest day of its first run."""

    shop_code: str
    buyer: BuyerDoc
    rhythm: Rhythm
    first_on: date
    lines: Sequence[LineSpec]
    ship_to: ShipTo = NOWHERE
    delivery: DeliveryDoc = UNSAID


_MOST = {"remind_days": 60, "pay_hours": 720, "retry_hours": 720, "tries": 20}


def parse_rules(values: Mapping[str, Any]) -> Rules:
    """Raises Refusal subscription.rules for a value that makes no sense; what is absent is the default."""
    known = asdict(Rules())
    if unknown := sorted(set(values) - set(known)):
        raise Refusal("subscription.rules", f"There is no rule {unknown[0]!r}; there are {', '.join(known)}.")
    rules = Rules(**{**known, **values})
    if rules.price not in PRICES:
        raise Refusal("subscription.rules", f"price must be {' or '.join(PRICES)}, not {rules.price!r}.")
    for name, most in _MOST.items():
        value = getattr(rules, name)
        least = 0 if name == "remind_days" else 1
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Refusal("subscription.rules", f"{name} must be a whole number from {least} to {most}, not {value!r}.")
    return rules


def first_day(rhythm: Rhythm, earliest: date) -> date:
    """The first day of ``rhythm`` that is not before ``earliest``."""
    if rhythm.unit == "week":
        return earliest + timedelta(days=(rhythm.day - earliest.isoweekday()) % 7)
    day = _in_month(earliest.year, earliest.month, rhythm.day)
    return day if day >= earliest else _later(earliest, 1, rhythm.day)


def next_day(rhythm: Rhythm, after: date) -> date:
    """The day of ``rhythm`` that follows ``after``, which is one of its days."""
    if rhythm.unit == "week":
        return after + timedelta(weeks=rhythm.every)
    return _later(after, rhythm.every, rhythm.day)


def next_from(rhythm: Rhythm, after: date, today: date) -> date:
    """``after``, or the first day of ``rhythm`` behind it that is not before ``today``."""
    while after < today:
        after = next_day(rhythm, after)
    return after


def check(spec: SubscriptionSpec) -> None:
    """Raises Refusal subscription.rhythm or subscription.lines when ``spec`` cannot be a subscription."""
    check_rhythm(spec.rhythm)
    check_lines(spec.lines)
    if not spec.buyer.value.strip():
        raise Refusal("subscription.buyer", "Say who subscribes.")
    if spec.delivery.slot_start is not None or spec.delivery.slot_end is not None:
        raise Refusal("subscription.delivery", "A subscription has no slot of one day; leave it out.")


def check_rhythm(rhythm: Rhythm) -> None:
    """Raises Refusal subscription.rhythm."""
    if rhythm.unit not in UNITS:
        raise Refusal("subscription.rhythm", f"The interval is {' or '.join(UNITS)}, not {rhythm.unit!r}.")
    most, days = MOST_EVERY[rhythm.unit], 7 if rhythm.unit == "week" else 31
    if not 1 <= rhythm.every <= most or not 1 <= rhythm.day <= days:
        raise Refusal("subscription.rhythm", f"Give every 1 to {most} {rhythm.unit}s, on day 1 to {days}.")


def check_lines(lines: Sequence[LineSpec]) -> None:
    """Raises Refusal subscription.lines."""
    if not 1 <= len(lines) <= MOST_LINES or len({line.sku_code for line in lines}) != len(lines):
        raise Refusal("subscription.lines", f"Name 1 to {MOST_LINES} SKUs, each once.")
    for line in lines:
        if not 0 < line.qty <= MAX_QTY or not 0 <= line.unit_minor <= MAX_UNIT_MINOR:
            raise Refusal("subscription.lines", f"SKU {line.sku_code}: give 1 to {MAX_QTY} units and a price from 0.")


def as_plain(spec: SubscriptionSpec) -> dict[str, Any]:
    """Who gets it where and how, as it is sealed."""
    return {"buyer": asdict(spec.buyer), "ship_to": asdict(spec.ship_to), "delivery": list(spec.delivery)}


def from_plain(kept: Mapping[str, Any]) -> tuple[BuyerDoc, ShipTo, DeliveryDoc]:
    """What ``as_plain`` made."""
    return BuyerDoc(**kept["buyer"]), ShipTo(**kept["ship_to"]), DeliveryDoc(*kept["delivery"])


def number_of(subscription_id: int, due_on: date, made: int) -> str:
    """The number of the order of one run; ``made``: how many orders the run had before, that were not paid."""
    return f"sub-{subscription_id}-{due_on:%Y%m%d}" + (f"-{made + 1}" if made else "")


def retry_at(now: datetime, attempts: int, rules: Rules) -> datetime | None:
    """When a run that was tried ``attempts`` times is tried again; None when it is given up."""
    return now + timedelta(hours=rules.retry_hours) if attempts < rules.tries else None


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _later(after: date, months: int, day: int) -> date:
    year, month = divmod(after.year * 12 + after.month - 1 + months, 12)
    return _in_month(year, month + 1, day)
