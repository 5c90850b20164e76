"""The clocks of the promises: a pickup is ready within 2 hours, a parcel there within 24. Pure.

Times are aware; hours are those of the node. What counts is set by ``Clocks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from tongpan.core.errors import Refusal
from tongpan.network.hours import Hours

SETTING = "fulfillment.clocks"
"""Where the clocks are stored (``core.stored``)."""
SHIP_CLOCKS = ("delivered", "dispatched")
AFTER_EXPIRY = ("hold", "cancel")
MOST = {
    "pickup_minutes": 10_080,
    "ship_hours": 2_400,
    "keep_days": 365,
    "remind_hours": 8_760,
    "instant_minutes": 1_440,
    "instant_accept_minutes": 1_440,
    "slot_lead_minutes": 43_200,
}
"""The highest value of each clock that is a number; the least is 1."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """pickup_minutes: ready so long after the order was placed. ship_hours: delivered, or dispatched, so long after.
    instant_minutes: an instant delivery is there so long after, in minutes in which its node is open.
    instant_accept_minutes: its node accepts it at the latest so long after it was offered.
    slot_lead_minutes: what is wanted in a later slot is offered to its node so long before the slot begins.

    ship_clock: which of SHIP_CLOCKS stops the clock of a parcel. pause_outside_hours: minutes in which the node is
    closed do not count. keep_days: a pickup that is ready waits so long for its buyer. remind_hours: the buyer is
    reminded so long before that. after_expiry: what becomes of an order that nobody fetched, one of AFTER_EXPIRY.
    """

    pickup_minutes: int = 120
    ship_hours: int = 24
    ship_clock: str = "delivered"
    pause_outside_hours: bool = False
    keep_days: int = 7
    remind_hours: int = 48
    after_expiry: str = "hold"
    instant_minutes: int = 60
    instant_accept_minutes: int = 10
    slot_lead_minutes: int = 240


DEFAULT = Clocks()


def ready_by(placed_at: datetime, hours: Hours, clocks: Clocks) -> datetime:
    """When a pickup that was ordered at ``placed_at`` must be ready."""
    return _later(placed_at, clocks.pickup_minutes, hours, clocks)


def ship_by(placed_at: datetime, hours: Hours, clocks: Clocks) -> datetime:
    """When a parcel that was ordered at ``placed_at`` must be delivered, or dispatched: as ``ship_clock`` says."""
    return _later(placed_at, clocks.ship_hours * 60, hours, clocks)


def instant_by(placed_at: datetime, hours: Hours, clocks: Clocks) -> datetime:
    """When an instant delivery that was ordered at ``placed_at`` must be there: only open minutes count."""
    return hours.add_open_minutes(placed_at, clocks.instant_minutes)


def offer_from(slot_start: datetime, clocks: Clocks) -> datetime:
    """From when on what is wanted at ``slot_start`` is the work of its node."""
    return slot_start - timedelta(minutes=clocks.slot_lead_minutes)


def accept_by(offered_at: datetime, minutes: int, hours: Hours, due_at: datetime | None) -> datetime:
    """Until when a node may accept what was offered to it at ``offered_at``.

    Its minutes count while it is open. Where that would end after the promise to the buyer, they count on the clock:
    then another node can still keep the promise.
    """
    open_end = hours.add_open_minutes(offered_at, minutes)
    if due_at is None or open_end <= due_at:
        return open_end
    return offered_at + timedelta(minutes=minutes)


def collect_until(ready_at: datetime, clocks: Clocks) -> datetime:
    """Until when goods that are ready since ``ready_at`` wait for their buyer."""
    return ready_at + timedelta(days=clocks.keep_days)


def remind_at(collect_by: datetime, clocks: Clocks) -> datetime:
    """When the buyer of goods that wait until ``collect_by`` is reminded."""
    return collect_by - timedelta(hours=clocks.remind_hours)


def minutes_taken(since: datetime, until: datetime, hours: Hours, clocks: Clocks) -> int:
    """Whole minutes that count from ``since`` to ``until``; 0 when ``until`` is not later."""
    if clocks.pause_outside_hours:
        return hours.open_minutes_between(since, until)
    return max(until - since, timedelta()) // timedelta(minutes=1)


def _later(at: datetime, minutes: int, hours: Hours, clocks: Clocks) -> datetime:
    return hours.add_open_minutes(at, minutes) if clocks.pause_outside_hours else at + timedelta(minutes=minutes)


def parse_clocks(values: Mapping[str, Any]) -> Clocks:
    """Raises Refusal clocks.* for a value that makes no sense; what is absent is the default."""
    known = asdict(DEFAULT)
    if unknown := sorted(set(values) - set(known)):
        raise Refusal("clocks.unknown", f"There is no clock {unknown[0]!r}; there are {', '.join(known)}.")
    clocks = Clocks(**{**known, **values})
    for name, most in MOST.items():
        value = getattr(clocks, name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise Refusal("clocks.range", f"{name} must be a whole number from 1 to {most}, not {value!r}.")
    if clocks.ship_clock not in SHIP_CLOCKS:
        raise Refusal("clocks.choice", f"ship_clock must be {' or '.join(SHIP_CLOCKS)}, not {clocks.ship_clock!r}.")
    if clocks.after_expiry not in AFTER_EXPIRY:
        raise Refusal("clocks.choice", f"after_expiry must be {' or '.join(AFTER_EXPIRY)}.")
    if not isinstance(clocks.pause_outside_hours, bool):
        raise Refusal("clocks.choice", "pause_outside_hours must be true or false.")
    return clocks
