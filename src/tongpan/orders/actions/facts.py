"""Writes that other rooms cause in an order: holds, and what happened to its goods."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.inventory.actions import confirm, reserve
from tongpan.inventory.engine import Demand
from tongpan.inventory.locks import lock_pools
from tongpan.orders.events import CHANGED


def insert_holds(holds: Sequence[tuple[int, str, str]]) -> None:
    """Open (order id, reason, detail) holds; one that is open already stays as it is."""
    if holds:
        execute(
            """INSERT INTO orders_hold (order_id, reason, detail, released_by)
               SELECT h.*, '' FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS h(order_id, reason, detail)
               ON CONFLICT DO NOTHING""",
            [[h[0] for h in holds], [h[1] for h in holds], [h[2] for h in holds]],
        )


def reserve_orders(
    order_ids: Collection[int],
    *,
    actor: str,
    now: datetime,
    expires_at: Mapping[int, datetime] | None = None,
    part: int | None = None,
) -> set[int]:
    """Promise the goods of orders from the pool, those placed first first; the ids that could be served.

    part: of split orders, only the lines of this part. A kit is promised by its parts. Lines that have a live promise
    are left alone; it expires no more unless ``expires_at`` says when, by order id. An order that cannot be served
    waits on a hold: out of stock, or quota when the pool has the goods but not for its channel; it leaves it when it
    gets a node. Locks the pools of all SKUs concerned, in the caller's transaction.
    """
    if not order_ids:
        return set()
    expires_at = expires_at or {}
    rows = fetch_all(
        """SELECT l.order_id, l.id, coalesce(r.sku_id, k.part_id, l.sku_id), l.qty * coalesce(k.qty, 1), o.channel_id,
                  l.wanted_node <> '', r.id IS NOT NULL
           FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
           LEFT JOIN inventory_reservation r ON r.order_line_id = l.id AND r.state IN ('held', 'allocated', 'shipped')
           LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id AND r.id IS NULL
           WHERE o.id = ANY(%s) AND l.kind = 'goods' AND l.qty > 0
             AND (%s::int IS NULL OR l.part = %s) AND (r.id IS NULL OR r.expires_at IS NOT NULL)
           ORDER BY o.placed_at, o.id, l.line_no, k.part_id""",
        [sorted(order_ids), part, part],
    )
    expiring = {row[0] for row in rows if row[6]} - set(expires_at)
    if expiring:
        # Confirming and reserving both lock pools: all at once, so that they are locked in one order.
        lock_pools({row[2] for row in rows})
        confirm(expiring, actor=actor, now=now)
    demands = [Demand(*row[:6]) for row in rows if not row[6]]
    return set(order_ids) - promise(demands, actor=actor, now=now, expires_at=expires_at)


def promise(
    demands: Sequence[Demand], *, actor: str, now: datetime, expires_at: Mapping[int, datetime] | None = None
) -> set[int]:
    """Promise ``demands``, as ``inventory.actions.reserve`` does; the orders that cannot be served wait on a hold.

    Returns those.
    """
    refused = reserve(demands, actor=actor, now=now, expires_at=expires_at)
    insert_holds([(order_id, why.reason, "") for order_id, why in refused.items()])
    return set(refused)


def wait_for(
    reasons: Mapping[int, str], *, details: Mapping[int, str] | None = None, actor: str, now: datetime
) -> None:
    """Let each order wait for exactly what ``reasons`` says by order id, "" being nothing; two statements.

    details: a sentence on why by order id, where there is one to say.

    Concerns the holds that routing opens (out of stock, quota, unbooked, no node); those of a person or of the review
    stay. The caller holds the orders.
    """
    order_ids = sorted(reasons)
    if not order_ids:
        return
    execute(
        """UPDATE orders_hold h SET released_at = %s, released_by = %s
           FROM unnest(%s::bigint[], %s::text[]) AS k(order_id, reason)
           WHERE h.order_id = k.order_id AND h.reason <> k.reason AND h.released_at IS NULL
             AND h.reason IN ('out_of_stock', 'quota', 'unbooked', 'no_node')""",
        [now, actor, order_ids, [reasons[order_id] for order_id in order_ids]],
    )
    said = details or {}
    insert_holds([(i, reasons[i], said.get(i, "")) for i in order_ids if reasons[i]])


def record_dispatch(left_at: Mapping[int, datetime], *, actor: str) -> None:
    """Note that all goods of orders have left, and when (aware), by order id.

    Locks the orders in ascending order of id. An order further on than "paid" keeps its status and time; an
    order.changed is logged for each that moved.
    """
    if not left_at:
        return
    order_ids = sorted(left_at)
    rows = fetch_all(
        """WITH locked AS (SELECT id FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE),
                moved AS (UPDATE orders_order o SET status = 'dispatched', dispatched_at = g.at
                          FROM locked JOIN unnest(%s::bigint[], %s::timestamptz[]) AS g(id, at) USING (id)
                          WHERE o.id = locked.id AND o.status IN ('placed', 'paid')
                          RETURNING o.id, o.business_date, o.dispatched_at),
                noted AS (INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
                          SELECT id, 'dispatched', dispatched_at, %s, '{}' FROM moved ON CONFLICT DO NOTHING)
           SELECT id, business_date FROM moved ORDER BY id""",
        [order_ids, order_ids, [left_at[order_id] for order_id in order_ids], actor],
    )
    append([NewEvent(CHANGED, str(order_id), {"day": day.isoformat(), "route": False}) for order_id, day in rows])


def record_delivery(arrived_at: Mapping[int, datetime], *, actor: str) -> None:
    """Note that all goods of dispatched orders have arrived, and when (aware), by order id.

    Locks the orders in ascending order of id. An order of another status stays as it is; an order.changed is logged
    for each that moved.
    """
    if not arrived_at:
        return
    order_ids = sorted(arrived_at)
    rows = fetch_all(
        """WITH locked AS (SELECT id FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE),
                moved AS (UPDATE orders_order o SET status = 'delivered', delivered_at = g.at
                          FROM locked JOIN unnest(%s::bigint[], %s::timestamptz[]) AS g(id, at) USING (id)
                          WHERE o.id = locked.id AND o.status = 'dispatched'
                          RETURNING o.id, o.business_date, o.delivered_at),
                noted AS (INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
                          SELECT id, 'delivered', delivered_at, %s, '{}' FROM moved ON CONFLICT DO NOTHING)
           SELECT id, business_date FROM moved ORDER BY id""",
        [order_ids, order_ids, [arrived_at[order_id] for order_id in order_ids], actor],
    )
    append([NewEvent(CHANGED, str(order_id), {"day": day.isoformat(), "route": False}) for order_id, day in rows])
