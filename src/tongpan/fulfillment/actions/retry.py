"""Serving the orders that wait for stock, once some comes in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.actions.snapshot import orders_without_node, waiting_for

_AT_ONCE = 500


def retry_waiting(sku_ids: Collection[int], *, actor: str, now: datetime) -> int:
    """Promise what is available of ``sku_ids`` to the orders that wait for it, those placed first first, and route
    them. Returns how many orders were routed.

    Every order that the pool could serve is tried once. Locks as ``route`` does; the statements grow with the
    number of such orders, by a constant for each 500.
    """
    return run_in_transaction(lambda: _retry(sku_ids, actor=actor, now=now)) if sku_ids else 0


def _retry(sku_ids: Collection[int], *, actor: str, now: datetime) -> int:
    routed, after = 0, None
    while waiting := waiting_for(sku_ids, after, _AT_ONCE):
        after = waiting[-1]
        outcomes = route([order_id for _, order_id in waiting], actor=actor, now=now)
        routed += sum(outcome == "routed" for outcome in outcomes.values())
    return routed


def retry_without_node(*, actor: str, now: datetime) -> int:
    """Route the paid orders again that wait because no node could take them; how many were routed.

    Each is tried once, those placed first first; 500 are a transaction. An order that fails again for the same
    reason leaves nothing behind. Locks as ``route`` does.
    """
    order_ids = orders_without_node()
    routed = 0
    for start in range(0, len(order_ids), _AT_ONCE):
        outcomes = route(order_ids[start : start + _AT_ONCE], actor=actor, now=now)
        routed += sum(outcome == "routed" for outcome in outcomes.values())
    return routed
