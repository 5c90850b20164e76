"""Promises of the pool to order lines, and goods that come back on sale."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from tongpan.core.bulk import execute, fetch_all
from tongpan.inventory.engine import Delta, Demand, Refused, grant
from tongpan.inventory.ledger import book_reservations, post
from tongpan.inventory.locks import lock_pools, lock_shares


@transaction.atomic(savepoint=False)
def reserve(
    demands: Sequence[Demand], *, actor: str, now: datetime, expires_at: Mapping[int, datetime] | None = None
) -> dict[int, Refused]:
    """Promise units of the pool to order lines, each order whole or not at all, first come first served.

    Each channel takes within its quotas at ``now`` (``inventory.engine.sharing``). expires_at: when a promise
    ends by itself, by order id; the others stay until they are released. Returns the refused orders: why, and the
    demands that could not be served. Lines that have a live promise are refused by the database. Locks the pools
    of all SKUs asked for.
    """
    if not demands:
        return {}
    granted, refused = grant(lock_shares({demand.sku_id for demand in demands}, now=now), demands)
    book_reservations(granted, actor=actor, now=now, expires_at=expires_at)
    return refused


@transaction.atomic(savepoint=False)
def release(order_ids: Collection[int], *, actor: str, now: datetime, reason: str) -> int:
    """Give the held units of ``order_ids`` back to the pool; the number of reservations released.

    Locks the pools of the SKUs concerned, then the reservations. Reservations already pinned to a node are left
    alone: they are released with their fulfilment.
    """
    held = _held(order_ids) if order_ids else []
    if not held:
        return 0
    lock_pools({sku_id for _, sku_id, _ in held})
    return end([i for i, *_ in _held(order_ids)], "released", actor=actor, now=now, reason=reason)


def end(reservation_ids: Collection[int], state: str, *, actor: str, now: datetime, reason: str) -> int:
    """Give what is still held of ``reservation_ids`` back to the pool and its quotas; how many became ``state``.

    The caller holds the pools.
    """
    ended = fetch_all(
        f"{_END.format(where='id = ANY(%s) AND state = %s')} SELECT id, sku_id, qty FROM ended ORDER BY sku_id, id",
        [state, sorted(reservation_ids), "held"],
    )
    post(
        (
            Delta(sku_id, None, "saleable", "released", 0, 0, -qty, "reservation", reservation_id, now, reason)
            for reservation_id, sku_id, qty in ended
        ),
        actor=actor,
    )
    return len(ended)


_END = """
    WITH ended AS (UPDATE inventory_reservation SET state = %s WHERE {where} RETURNING id, sku_id, qty, policy_id),
         given_back AS (
           UPDATE inventory_quotause q SET used = q.used - e.qty
           FROM (SELECT policy_id, sku_id, sum(qty)::bigint AS qty FROM ended GROUP BY 1, 2) e
           WHERE (q.policy_id, q.sku_id) = (e.policy_id, e.sku_id))"""


def pin(order_line_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Mark the held reservations of ``order_line_ids`` as allocated; units by (order line id, SKU id).

    For the routing action, which holds the pools and books the movements in the same transaction.
    """
    rows = fetch_all(
        """UPDATE inventory_reservation SET state = 'allocated', expires_at = NULL
           WHERE order_line_id = ANY(%s) AND state = 'held' RETURNING order_line_id, sku_id, qty""",
        [sorted(set(order_line_ids))],
    )
    return {(line_id, sku_id): qty for line_id, sku_id, qty in rows}


def unpin(order_ids: Collection[int]) -> None:
    """Mark the allocated reservations of ``order_ids`` as released; the caller holds the pools and books the
    movements. What has left keeps its quota."""
    execute(
        f"{_END.format(where='order_id = ANY(%s) AND state = %s')} SELECT count(*) FROM ended",
        ["released", sorted(order_ids), "allocated"],
    )


def unpin_goods(goods: Collection[tuple[int, int]]) -> None:
    """The same for what is pinned for these (order line id, SKU id)."""
    if not goods:
        return
    pairs = sorted(set(goods))
    where = "(order_line_id, sku_id) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[])) AND state = %s"
    execute(
        f"{_END.format(where=where)} SELECT count(*) FROM ended",
        ["released", [line_id for line_id, _ in pairs], [sku_id for _, sku_id in pairs], "allocated"],
    )


def ship(goods: Collection[tuple[int, int]]) -> None:
    """Mark what is pinned for these (order line id, SKU id) as shipped; the caller holds the pools.

    A share of the stock on hand counts only what has not left, so it is given back to quotas of mode "percent".
    """
    if not goods:
        return
    pairs = sorted(set(goods))
    execute(
        """WITH gone AS (
             UPDATE inventory_reservation r SET state = 'shipped'
             FROM unnest(%s::bigint[], %s::bigint[]) AS g(line_id, sku_id)
             WHERE (r.order_line_id, r.sku_id) = (g.line_id, g.sku_id) AND r.state = 'allocated'
             RETURNING r.policy_id, r.sku_id, r.qty)
           UPDATE inventory_quotause q SET used = q.used - g.qty
           FROM (SELECT policy_id, sku_id, sum(qty)::bigint AS qty FROM gone GROUP BY 1, 2) g
           JOIN inventory_channelpolicy p ON p.id = g.policy_id AND p.mode = 'percent'
           WHERE (q.policy_id, q.sku_id) = (g.policy_id, g.sku_id)""",
        [[line_id for line_id, _ in pairs], [sku_id for _, sku_id in pairs]],
    )


def _held(order_ids: Collection[int]) -> list[tuple[int, int, int]]:
    return fetch_all(
        """SELECT id, sku_id, qty FROM inventory_reservation
           WHERE order_id = ANY(%s) AND state = 'held' ORDER BY sku_id, id""",
        [sorted(order_ids)],
    )


def take_back(goods: Sequence[tuple[int, int, int, int, datetime]], *, actor: str) -> None:
    """Put returned goods back on sale: (return id, node id, SKU id, units, returned at), in the caller's transaction.

    Locks the pools of all SKUs concerned. The same return puts a SKU back at a node once.
    """
    lock_pools({sku_id for _, _, sku_id, _, _ in goods})
    post(
        (
            Delta(sku_id, node_id, "saleable", "returned", qty, 0, 0, "return", return_id, at)
            for return_id, node_id, sku_id, qty, at in goods
        ),
        actor=actor,
    )
