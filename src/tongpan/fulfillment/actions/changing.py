"""Changing orders whose goods are still here. What is allocated and promised to them is given back in the same
transaction, so that nobody sees an order half changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.dispatch import cancel, lock_allocated
from tongpan.fulfillment.actions.snapshot import goods_of
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions.cancelling import cancel_locked
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.actions.locking import Locked, lock_orders
from tongpan.orders.changes import Handled, refusal_of_change, refusal_of_revision, unknown

Wanted = Sequence[tuple[int, int | None]]
"""(order id, the revision that was looked at, or None when any will do)."""


def cancel_orders(orders: Wanted, reason: str, *, actor: str, now: datetime) -> list[Handled]:
    """Cancel orders before they leave; the outcome of each, at the same position.

    Their reservations and allocations are free again when it returns. Refused is an order of which anything has
    left (that is a return), one that is cancelled, and one that was changed since it was looked at. Locks orders,
    fulfilments, then pools, each in ascending order of id. Raises Refusal cancel.reason for a text that is too long.
    """
    reason = checked_text(reason, "cancel.reason")

    def work() -> list[Handled]:
        locked, refused = lock_for_change(orders)
        open_orders = [locked[i] for i in sorted(set(locked) - set(refused))]
        order_ids = [order.id for order in open_orders]
        give_back(order_ids, set(), actor=actor, now=now)
        revisions = cancel_locked(open_orders, reason, actor=actor, now=now)
        audit_many(
            [Note("order.cancelled", "order", str(i), {"reason": reason}) for i in order_ids], actor=actor, now=now
        )
        return [refused.get(i) or Handled(i, "done", revisions[i]) for i, _ in orders]

    return run_in_transaction(work)


def lock_for_change(orders: Wanted) -> tuple[dict[int, Locked], dict[int, Handled]]:
    """Lock ``orders``; those that exist, and why some cannot be changed, both by id."""
    expected = dict(orders)
    locked = lock_orders(expected)
    refused = {order_id: unknown(order_id) for order_id in expected if order_id not in locked}
    left = _partly_gone(locked)
    for order in locked.values():
        problem = refusal_of_change(order.id, order.number, order.status, order.revision) or refusal_of_revision(
            order.id, order.number, order.revision, expected[order.id]
        )
        if problem is None and order.id in left:
            sentence = f"Part of order {order.number} has left; book a return for it instead."
            problem = Handled(order.id, "refused", order.revision, "order.gone", sentence)
        if problem:
            refused[order.id] = problem
    return locked, refused


def _partly_gone(order_ids: Mapping[int, Locked]) -> set[int]:
    rows = fetch_all(
        """SELECT DISTINCT order_id FROM fulfillment_fulfillment
           WHERE order_id = ANY(%s) AND status IN ('dispatched', 'delivered')""",
        [sorted(order_ids)],
    )
    return {order_id for (order_id,) in rows}


def give_back(order_ids: Collection[int], further: Collection[int], *, actor: str, now: datetime) -> None:
    """Take back what is allocated to ``order_ids``, and lock the pools of their goods and of ``further`` SKU ids.

    The caller holds the orders; what is promised to them in the pool is for the caller to release.
    """
    lock_allocated(order_ids)
    lock_pools(goods_of(order_ids) | set(further))
    cancel(order_ids, at=now, actor=actor)
