"""What becomes of fulfilments after routing: dispatched or cancelled."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.fulfillment.events import DISPATCHED
from tongpan.inventory.actions import unpin
from tongpan.inventory.engine import Delta
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions import record_dispatch


def _allocated(fulfillment_ids: Collection[int]) -> list[tuple[int, int, int, int, int, bool]]:
    """Lines of fulfilments still allocated: (fulfilment, order, node, SKU, qty, node tracks stock). Locks them."""
    return fetch_all(
        """SELECT f.id, f.order_id, f.node_id, l.sku_id, l.qty, n.tracks_stock
           FROM fulfillment_fulfillment f
           JOIN fulfillment_fulfillmentline l ON l.fulfillment_id = f.id
           JOIN network_node n ON n.id = f.node_id
           WHERE f.id = ANY(%s) AND f.status = 'allocated' ORDER BY f.id, l.id FOR UPDATE OF f""",
        [sorted(fulfillment_ids)],
    )


@transaction.atomic
def dispatch(fulfillment_ids: Collection[int], *, at: datetime, actor: str) -> list[int]:
    """The goods of ``fulfillment_ids`` left at ``at`` (aware). Returns the ids that were dispatched by this call.

    A fulfilment that is not allocated (gone already, cancelled) is left alone. When an order's last fulfilment
    leaves, the order is dispatched. Locks the orders, the fulfilments, then the pools.
    """
    orders = fetch_all(
        """SELECT id FROM orders_order WHERE id IN (SELECT order_id FROM fulfillment_fulfillment WHERE id = ANY(%s))
           ORDER BY id FOR UPDATE""",
        [sorted(fulfillment_ids)],
    )
    lines = _allocated(fulfillment_ids)
    gone = sorted({line[0] for line in lines})
    _book_departure(lines, at=at, actor=actor)
    moved = fetch_all(
        """WITH moved AS (UPDATE fulfillment_fulfillment SET status = 'dispatched', dispatched_at = %s
                          WHERE id = ANY(%s) RETURNING id, order_id)
           SELECT m.id, o.id, o.business_date FROM moved m JOIN orders_order o ON o.id = m.order_id ORDER BY m.id""",
        [at, gone],
    )
    append([NewEvent(DISPATCHED, str(i), {"order": order_id, "day": f"{day}"}) for i, order_id, day in moved])
    complete = fetch_all(
        """SELECT order_id FROM fulfillment_fulfillment WHERE order_id = ANY(%s)
           GROUP BY order_id HAVING bool_and(status IN ('dispatched', 'delivered', 'cancelled'))
                               AND bool_or(status <> 'cancelled')""",
        [[order_id for (order_id,) in orders]],
    )
    record_dispatch([order_id for (order_id,) in complete], at=at, actor=actor)
    return gone


def _book_departure(lines: Collection[tuple[int, int, int, int, int, bool]], *, at: datetime, actor: str) -> None:
    tracked = [line for line in lines if line[5]]
    lock_pools({sku_id for _, _, _, sku_id, _, _ in tracked})
    post(
        (
            Delta(sku_id, node_id, "saleable", "dispatched", -qty, -qty, 0, "fulfillment", fulfillment_id, at)
            for fulfillment_id, _, node_id, sku_id, qty, _ in tracked
        ),
        actor=actor,
    )


@transaction.atomic
def cancel(order_ids: Collection[int], *, at: datetime, actor: str) -> list[int]:
    """Take back what is allocated to ``order_ids`` and has not left; the ids of the cancelled fulfilments.

    The goods are free again at their nodes. Locks the fulfilments, then the pools; the caller holds the orders.
    """
    ids = fetch_all(
        "SELECT id FROM fulfillment_fulfillment WHERE order_id = ANY(%s) AND status = 'allocated'",
        [sorted(order_ids)],
    )
    lines = _allocated([i for (i,) in ids])
    cancelled = sorted({line[0] for line in lines})
    tracked = [line for line in lines if line[5]]
    lock_pools({sku_id for _, _, _, sku_id, _, _ in tracked})
    post(
        (
            Delta(sku_id, node_id, "saleable", "deallocated", 0, -qty, 0, "fulfillment", fulfillment_id, at)
            for fulfillment_id, _, node_id, sku_id, qty, _ in tracked
        ),
        actor=actor,
    )
    unpin({order_id for _, order_id, *_ in lines})
    execute("UPDATE fulfillment_fulfillment SET status = 'cancelled' WHERE id = ANY(%s)", [cancelled])
    return cancelled
