"""Promises of the pool to order lines, and goods that come back on sale."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from tongpan.core.bulk import execute, fetch_all
from tongpan.inventory.engine import Delta, Demand, grant
from tongpan.inventory.ledger import book_reservations, post
from tongpan.inventory.locks import lock_pools


@transaction.atomic
def reserve(demands: Sequence[Demand], *, actor: str, now: datetime) -> dict[int, list[Demand]]:
    """Promise units of the pool to order lines, each order whole or not at all, first come first served.

    Returns the refused orders with the demands that the pool could not serve. Lines reserved before are
    refused by the database. Locks the pools of all SKUs asked for.
    """
    if not demands:
        return {}
    available = lock_pools({demand.sku_id for demand in demands})
    granted, refused = grant(available, demands)
    book_reservations(granted, actor=actor, now=now)
    return refused


@transaction.atomic
def release(order_ids: Collection[int], *, actor: str, now: datetime, reason: str) -> int:
    """Give the held units of ``order_ids`` back to the pool; the number of reservations released.

    Locks the pools of the SKUs concerned, then the reservations. Reservations already pinned to a node are left
    alone: they are released with their fulfilment.
    """
    held = _reservations(order_ids, "held") if order_ids else []
    if not held:
        return 0
    lock_pools({sku_id for _, sku_id, _ in held})
    held = _reservations(order_ids, "held")
    _set_state([reservation_id for reservation_id, *_ in held], "released")
    post(
        (
            Delta(sku_id, None, "saleable", "released", 0, 0, -qty, "reservation", reservation_id, now, reason)
            for reservation_id, sku_id, qty in held
        ),
        actor=actor,
    )
    return len(held)


def pin(order_line_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Mark the held reservations of ``order_line_ids`` as allocated; units by (order line id, SKU id).

    For the routing action, which holds the pools and books the movements in the same transaction.
    """
    rows = fetch_all(
        """UPDATE inventory_reservation SET state = 'allocated'
           WHERE order_line_id = ANY(%s) AND state = 'held' RETURNING order_line_id, sku_id, qty""",
        [sorted(set(order_line_ids))],
    )
    return {(line_id, sku_id): qty for line_id, sku_id, qty in rows}


def unpin(order_ids: Collection[int]) -> None:
    """Mark the allocated reservations of ``order_ids`` as released; the caller books the movements."""
    execute(
        "UPDATE inventory_reservation SET state = 'released' WHERE order_id = ANY(%s) AND state = 'allocated'",
        [sorted(order_ids)],
    )


def _reservations(order_ids: Collection[int], state: str) -> list[tuple[int, int, int]]:
    return fetch_all(
        """SELECT id, sku_id, qty FROM inventory_reservation
           WHERE order_id = ANY(%s) AND state = %s ORDER BY sku_id, id""",
        [sorted(order_ids), state],
    )


def _set_state(reservation_ids: list[int], state: str) -> None:
    execute("UPDATE inventory_reservation SET state = %s WHERE id = ANY(%s)", [state, reservation_ids])


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
