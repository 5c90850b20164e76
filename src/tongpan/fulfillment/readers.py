"""What fulfilment does when orders come in and stock moves."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.fulfillment.actions import retry_waiting, route
from tongpan.inventory import events as stock
from tongpan.orders import events as orders
from tongpan.orders.actions import review_orders

ACTOR = "routing"


def _route_orders(batch: Sequence[Event]) -> None:
    """Review comes first, in the same transaction: no order is routed before it is known whether it must wait."""
    now = utc_now()
    review_orders({int(event.key) for event in batch}, now=now)
    route({int(event.key) for event in batch if event.payload["route"]}, actor=ACTOR, now=now)


def _retry_waiting(batch: Sequence[Event]) -> None:
    retry_waiting({int(event.key) for event in batch if event.payload["gained"]}, actor=ACTOR, now=utc_now())


ROUTING = Reader("routing", (orders.ACCEPTED, orders.CHANGED), _route_orders, batch=2000)
WAITING = Reader("waiting-orders", (stock.CHANGED,), _retry_waiting, batch=20000)
READERS = (ROUTING, WAITING)
