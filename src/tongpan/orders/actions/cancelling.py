"""Cancelling orders that have not left: the part of the order hub (``fulfillment.actions.changing`` does the rest)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tongpan.core.bulk import as_json, execute
from tongpan.inventory.actions import release
from tongpan.orders.actions.locking import Locked, bump, log_changed
from tongpan.promotions.actions.ordering import give_up


def cancel_locked(orders: Sequence[Locked], reason: str, *, actor: str, now: datetime) -> dict[int, int]:
    """Cancel ``orders``, which the caller holds with the pools of their goods; their revisions now.

    What they hold of the stock is free again, coupons and budgets that they took are given back, and they wait for
    nothing any more.
    """
    order_ids = sorted(order.id for order in orders)
    if not order_ids:
        return {}
    release(order_ids, actor=actor, now=now, reason="the order was cancelled")
    execute(
        """WITH moved AS (UPDATE orders_order SET status = 'cancelled', cancelled_at = %s
                          WHERE id = ANY(%s) RETURNING id)
           INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
           SELECT id, 'cancelled', %s, %s, %s::jsonb FROM moved ORDER BY id ON CONFLICT DO NOTHING""",
        [now, order_ids, now, actor, as_json({"reason": reason})],
    )
    execute(
        """UPDATE orders_hold SET released_at = %s, released_by = %s, release_note = 'the order is cancelled'
           WHERE order_id = ANY(%s) AND released_at IS NULL AND reason <> 'unbooked'""",
        [now, actor, order_ids],
    )
    give_up(order_ids, now=now)
    revisions = bump(order_ids)
    log_changed(sorted(orders), route=True)
    return revisions
