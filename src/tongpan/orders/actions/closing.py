"""Closing checkouts that were not paid in time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.cancelling import cancel_locked
from tongpan.orders.actions.locking import lock_orders

REASON = "not paid in time"


def close_unpaid(order_ids: Collection[int], *, actor: str, now: datetime) -> list[int]:
    """Cancel those of ``order_ids`` whose time to pay was over at ``now`` and that are not paid; their ids.

    Locks the orders in ascending order of id.
    """

    def work() -> list[int]:
        locked = lock_orders(order_ids)
        late = {
            i
            for (i,) in fetch_all(
                "SELECT id FROM orders_order WHERE id = ANY(%s) AND status = 'placed' AND hold_until <= %s",
                [sorted(locked), now],
            )
        }
        cancel_locked([locked[i] for i in sorted(late)], REASON, actor=actor, now=now)
        return sorted(late)

    return run_in_transaction(work) if order_ids else []
