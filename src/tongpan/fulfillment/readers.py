"""What fulfilment does when orders come in and stock moves."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.fulfillment.actions import retry_waiting, route
from tongpan.fulfillment.actions.snapshot import wanted_skus
from tongpan.inventory import events as stock
from tongpan.orders import events as orders
from tongpan.orders.actions import review_orders
from tongpan.orders.actions.preorders import serve_preorders

ACTOR = "routing"
PREORDERS = "pre-orders"


def _route_orders(batch: Sequence[Event]) -> None:
    """Review comes first, in the same transaction: no order is routed before it is known whether it must wait."""
    now = utc_now()
    review_orders({int(event.key) for event in batch}, now=now)
    wanted = {int(event.key) for event in batch if event.payload["route"]}
    anew = {int(event.key) for event in batch if event.payload.get("anew")}
    route(wanted, actor=ACTOR, now=now, anew=anew)


def _retry_waiting(batch: Sequence[Event]) -> None:
    """Who ordered ahead is served before those who ordered what they thought was there."""
    skus = {int(event.key) for event in batch if event.name == stock.CHANGED and event.payload["gained"]}
    if any(event.name == stock.POLICY_CHANGED and not event.key for event in batch):
        skus |= wanted_skus()
    serve_preorders(skus, actor=PREORDERS, now=utc_now())
    retry_waiting(skus, actor=ACTOR, now=utc_now())


ROUTING = Reader("routing", (orders.ACCEPTED, orders.CHANGED), _route_orders, batch=2000)
WAITING = Reader("waiting-orders", (stock.CHANGED, stock.POLICY_CHANGED), _retry_waiting, batch=20000)
READERS = (ROUTING, WAITING)
