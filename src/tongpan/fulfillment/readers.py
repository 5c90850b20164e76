"""What fulfilment does when orders come in and stock moves."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.fulfillment.actions import route
from tongpan.fulfillment.actions.route import retry_of
from tongpan.inventory import events as stock
from tongpan.orders import events as orders
from tongpan.orders.actions import reserve_orders

ACTOR = "routing"
_RETRIES = 500


def _route_orders(batch: Sequence[Event]) -> None:
    route({int(event.key) for event in batch if event.payload["route"]}, actor=ACTOR, now=utc_now())


def _retry_waiting(batch: Sequence[Event]) -> None:
    """Serve the orders that wait for what came in. The oldest ``_RETRIES`` of them: their own allocation logs
    stock.changed, and what is left of the gain serves the next at the next gain."""
    gained = {int(event.key) for event in batch if event.payload["gained"]}
    waiting = retry_of(gained, _RETRIES) if gained else []
    now = utc_now()
    route(reserve_orders(waiting, actor=ACTOR, now=now), actor=ACTOR, now=now)


ROUTING = Reader("routing", (orders.ACCEPTED, orders.CHANGED), _route_orders, batch=2000)
WAITING = Reader("waiting-orders", (stock.CHANGED,), _retry_waiting, batch=20000)
READERS = (ROUTING, WAITING)
