"""Promises that end by themselves: confirmed when the buyer pays in time, swept when not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.inventory.actions.reserving import end
from tongpan.inventory.events import RESERVATION_EXPIRED
from tongpan.inventory.locks import lock_pools

REASON = "the time to pay was over"


def confirm(order_ids: Collection[int], *, actor: str, now: datetime) -> set[int]:
    """Keep the promises to ``order_ids``, which are paid now: they expire no more. Returns the orders that come too
    late: their promise has expired, and their goods may be others'.

    A promise whose time is over is kept while nobody has swept it. Locks the pools, then the reservations, so of a
    confirmation and a sweep at the same moment exactly one wins.
    """
    return run_in_transaction(lambda: _confirm(order_ids)) if order_ids else set()


def _confirm(order_ids: Collection[int]) -> set[int]:
    wanted = sorted(order_ids)
    lock_pools(
        {
            sku_id
            for (sku_id,) in fetch_all(
                """SELECT DISTINCT sku_id FROM inventory_reservation
                   WHERE order_id = ANY(%s) AND state = 'held' AND expires_at IS NOT NULL""",
                [wanted],
            )
        }
    )
    rows = fetch_all(
        """WITH kept AS (UPDATE inventory_reservation SET expires_at = NULL
                         WHERE order_id = ANY(%s) AND state = 'held' AND expires_at IS NOT NULL)
           SELECT order_id FROM inventory_reservation WHERE order_id = ANY(%s)
           GROUP BY order_id
           HAVING bool_or(state = 'expired') AND NOT bool_or(state IN ('held', 'allocated', 'shipped'))
        """,
        [wanted, wanted],
    )
    return {order_id for (order_id,) in rows}


def confirm_order(order_id: int, *, actor: str, now: datetime) -> None:
    """``confirm`` of one order. Raises Refusal reservation.expired when it comes too late."""
    if confirm([order_id], actor=actor, now=now):
        raise Refusal(
            "reservation.expired",
            "The goods were held until the time to pay was over and are on sale again; order them anew.",
        )


def sweep_expired(now: datetime, *, limit: int = 500, actor: str = "expiry") -> int:
    """End promises whose time was over at ``now``, those that ended first first; how many reservations ended.

    About ``limit`` reservations in one transaction, whole orders; an order whose pools another transaction holds
    is left for the next time. Logs one stock.reservation_expired for each order. Locks the pools, waiting for none.
    """
    return run_in_transaction(lambda: _sweep(now, limit=limit, actor=actor))


def _sweep(now: datetime, *, limit: int, actor: str) -> int:
    due = fetch_all(
        """SELECT r.id, r.order_id, r.sku_id FROM inventory_reservation r
           WHERE r.state = 'held' AND r.order_id IN (
             SELECT order_id FROM inventory_reservation
             WHERE state = 'held' AND expires_at <= %s ORDER BY expires_at, id LIMIT %s)
           ORDER BY r.id""",
        [now, limit],
    )
    if not due:
        return 0
    locked = {
        sku_id
        for (sku_id,) in fetch_all(
            """SELECT sku_id FROM inventory_pool WHERE sku_id = ANY(%s)
               ORDER BY sku_id FOR NO KEY UPDATE SKIP LOCKED""",
            [sorted({sku_id for _, _, sku_id in due})],
        )
    }
    busy = {order_id for _, order_id, sku_id in due if sku_id not in locked}
    # Looked at again under the locks: a payment may have come in between.
    still = fetch_all(
        """SELECT id, order_id FROM inventory_reservation
           WHERE id = ANY(%s) AND state = 'held' AND expires_at <= %s ORDER BY id""",
        [[i for i, order_id, _ in due if order_id not in busy], now],
    )
    ended = end([i for i, _ in still], "expired", actor=actor, now=now, reason=REASON)
    append([NewEvent(RESERVATION_EXPIRED, str(order_id), {}) for order_id in sorted({o for _, o in still})])
    return ended
