"""The reader that keeps the lake up with the event log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from tongpan.analytics import events
from tongpan.analytics.lake import writer
from tongpan.analytics.lake.days import TABLES_OF
from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.fulfillment import events as fulfillment
from tongpan.inventory import events as stock
from tongpan.orders import events as orders

_OF_ORDERS = (
    orders.ACCEPTED,
    orders.CHANGED,
    *(
        f"{orders.CASE}{step}"
        for step in ("requested", "approved", "refused", "withdrawn", "in_transit", "received", "inspected", "closed")
    ),
    fulfillment.ROUTED,
    fulfillment.OFFERED,
    fulfillment.ACCEPTED,
    fulfillment.REJECTED,
    fulfillment.PICKED,
    fulfillment.PACKED,
    fulfillment.READY,
    fulfillment.COLLECTED,
    fulfillment.EXPIRED,
    fulfillment.ON_HOLD,
    fulfillment.RELEASED,
    fulfillment.CANCELLED,
    fulfillment.DISPATCHED,
    fulfillment.DELIVERED,
)
_TOUCHES = {
    **dict.fromkeys(_OF_ORDERS, TABLES_OF["order"]),
    orders.RETURN_RECEIVED: TABLES_OF["return"],
    orders.CORRECTED: TABLES_OF["correction"],
    events.CHANNEL_DAY_CHANGED: TABLES_OF["channel_day"],
    events.DAILY_VALUE_CHANGED: TABLES_OF["daily_value"],
    stock.CHANGED: TABLES_OF["stock"],
    stock.COUNT_BOOKED: TABLES_OF["count"],
}


def touched_days(batch: Sequence[Event]) -> dict[str, set[date]]:
    """The days of each fact that ``batch`` changed.

    Payloads carry "day" or "days"; one whose document moved to another day also carries "previous_day".
    """
    touched: dict[str, set[date]] = defaultdict(set)
    for event in batch:
        named = [event.payload[field] for field in ("day", "previous_day") if field in event.payload]
        for day in map(date.fromisoformat, (*named, *event.payload.get("days", ()))):
            for table in _TOUCHES[event.name]:
                touched[table].add(day)
    return touched


def _follow(batch: Sequence[Event]) -> None:
    # Much of what moves stock only promises it: that is nothing to the lake.
    if touched := touched_days(batch):
        writer.write(touched, utc_now())


LAKE = Reader(name="lake", follows=tuple(_TOUCHES), handle=_follow, batch=50_000)
"""Rewrites the partitions of the days that changed, with the cursor, in one transaction (``lake.writer``).

A large batch is cheap here: however many events speak of a day, its partition is written once.
"""
