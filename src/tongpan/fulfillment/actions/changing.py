"""Changing orders whose goods are still here. What is allocated and promised to them is given back in the same
transaction, so that nobody sees an order half changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import as_json, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.dispatch import cancel, lock_allocated, promise
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.actions.snapshot import goods_of
from tongpan.inventory.actions import release
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions import reserve_orders, review_orders
from tongpan.orders.actions.cancelling import cancel_locked
from tongpan.orders.actions.editing import (
    held_until,
    join_parts,
    lines_of,
    parts_of_order,
    pools_of,
    sku_ids_of,
    write_address,
    write_lines,
    write_parts,
    write_promise,
)
from tongpan.orders.actions.holding import checked_text, waiting_for_goods
from tongpan.orders.actions.locking import Locked, bump, lock_orders, log_changed, record
from tongpan.orders.actions.merging import check_mergeable, merge_window, merged_with, undo_merge, write_merge
from tongpan.orders.changes import Handled, refusal_of_change, refusal_of_revision, unknown
from tongpan.orders.editing import Edit, plan_edit, plan_split

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


def edit_order(order_id: int, revision: int | None, edit: Edit, reason: str, *, actor: str, now: datetime) -> Handled:
    """Change lines, address or promise of an order before it leaves.

    A change of lines or address gives back what is promised and allocated, promises it anew and routes it, all in
    one transaction: when the pool cannot serve the order as it would be, the edit is refused (edit.stock) and the
    order keeps what it has. Copies that its channel sends later do not undo the edit (``Order.local_fields``).
    Locks the order, its fulfilments, then the pools. Raises Refusal for an edit that makes no sense (edit.*).
    """
    reason = checked_text(reason, "edit.reason")
    return _change_one(order_id, revision, lambda order: _edit(order, edit, reason, actor, now))


def _edit(order: Locked, edit: Edit, reason: str, actor: str, now: datetime) -> None:
    told: dict[str, Any] = {"reason": reason} if reason else {}
    plans = plan_edit(lines_of(order.id), edit)
    further = pools_of([sku_id for sku_id, _ in sku_ids_of(edit.added).values()])
    moves_goods = edit.changes_lines or edit.address is not None
    if moves_goods:
        _free([order], further, actor=actor, now=now)
    if edit.changes_lines:
        before, after = write_lines(order.id, plans, edit.added)
        told["lines"] = [
            {"line": p.line.line_no, "qty": [p.line.qty, p.qty], "amount": [p.line.amount_minor, p.amount_minor]}
            for p in plans
        ]
        told["added"] = [{"sku": a.sku_code, "qty": a.qty, "amount": a.amount_minor} for a in edit.added]
        told["total"] = [before, after]
    if edit.address is not None:
        write_address(order.id, edit.address)
        told["address"] = True
    if edit.promised_at is not None:
        write_promise(order.id, edit.promised_at)
        promise(order.id, edit.promised_at)
        told["promised_at"] = edit.promised_at.isoformat()
    _written([order], "edited", told, actor=actor, now=now)
    if moves_goods:
        _place([order], "edit.stock", actor=actor, now=now)


def split_order(
    order_id: int, revision: int | None, parts: Sequence[Mapping[int, int]], *, actor: str, now: datetime
) -> Handled:
    """Send an order in several parts; ``parts``: for each new part, units by line number.

    The parts are promised and routed apart: one that is there need not wait for one that is not. Lines that are
    divided keep their money to the last minor unit. Locks as ``edit_order``. Raises Refusal split.*.
    """

    def work(order: Locked) -> None:
        if order.merge_id is not None:
            raise Refusal("split.merged", f"Order {order.number} is sent together with others; undo that first.")
        pieces = plan_split(lines_of(order.id), parts)
        _free([order], (), actor=actor, now=now)
        write_parts(order.id, pieces)
        told = [{str(no): qty for no, qty in units.items()} for units in parts]
        _written([order], "split", {"parts": told}, actor=actor, now=now)
        _place([order], "", actor=actor, now=now)

    return _change_one(order_id, revision, work)


def join_order(order_id: int, revision: int | None, *, actor: str, now: datetime) -> Handled:
    """Send a split order whole again. Locks as ``edit_order``. Raises Refusal split.whole."""

    def work(order: Locked) -> None:
        _free([order], (), actor=actor, now=now)
        if not join_parts(order.id):
            raise Refusal("split.whole", f"Order {order.number} is not split.")
        _written([order], "joined", {}, actor=actor, now=now)
        _place([order], "", actor=actor, now=now)

    return _change_one(order_id, revision, work)


def merge_orders(orders: Wanted, *, actor: str, now: datetime) -> tuple[int | None, list[Handled]]:
    """Send paid orders of one shop, buyer and address together; the id of the merge and the outcome of each.

    The orders stay apart in every other way. They are routed as one, and leave together. All are merged or none:
    when one cannot be changed, the others are refused with merge.others. Locks orders, fulfilments, then pools,
    each in ascending order of id. Raises Refusal merge.*.
    """

    def work() -> tuple[int | None, list[Handled]]:
        locked, refused = lock_for_change(orders)
        if refused:
            return None, [
                refused.get(i) or Handled(i, "refused", locked[i].revision, "merge.others", "Another order cannot.")
                for i, _ in orders
            ]
        members = [locked[i] for i in sorted(locked)]
        check_mergeable([order.id for order in members], merge_window())
        _free(members, (), actor=actor, now=now)
        numbers = [order.number for order in members]
        merge_id = write_merge(numbers, [order.id for order in members], actor=actor, now=now)
        revisions = _written(members, "merged", {"merge": merge_id, "orders": numbers}, actor=actor, now=now)
        _place(members, "", actor=actor, now=now)
        return merge_id, [Handled(i, "done", revisions[i]) for i, _ in orders]

    return run_in_transaction(work)


def unmerge_orders(merge_id: int, *, actor: str, now: datetime) -> list[Handled]:
    """Send the orders of a merge apart again; the outcome of each. Refused when anything has left.

    Locks as ``merge_orders``. Raises Refusal merge.unknown.
    """

    def work() -> list[Handled]:
        order_ids = merged_with(merge_id)
        locked, refused = lock_for_change([(order_id, None) for order_id in order_ids])
        gone = [problem for problem in refused.values() if problem.code == "order.gone"]
        if gone:
            return [Handled(i, "refused", locked[i].revision, "order.gone", gone[0].reason) for i in order_ids]
        members = [locked[i] for i in order_ids]
        _free(members, (), actor=actor, now=now)
        undo_merge(merge_id, actor=actor, now=now)
        revisions = _written(members, "unmerged", {"merge": merge_id}, actor=actor, now=now)
        _place(members, "", actor=actor, now=now)
        return [Handled(i, "done", revisions[i]) for i in order_ids]

    return run_in_transaction(work)


class _RefusedEdit(Exception):
    """Takes a change back that is found impossible half way."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def _change_one(order_id: int, revision: int | None, change: Callable[[Locked], None]) -> Handled:
    def work() -> Handled:
        locked, refused = lock_for_change([(order_id, revision)])
        if order_id in refused:
            return refused[order_id]
        change(locked[order_id])
        return Handled(order_id, "done", lock_orders([order_id])[order_id].revision)

    try:
        return run_in_transaction(work)
    except _RefusedEdit as error:
        return Handled(order_id, "refused", revision, error.code, error.sentence)


def _free(orders: Sequence[Locked], further: Collection[int], *, actor: str, now: datetime) -> None:
    """Give back what is allocated and promised to ``orders``."""
    order_ids = [order.id for order in orders]
    give_back(order_ids, further, why="changed", actor=actor, now=now)
    release(order_ids, actor=actor, now=now, reason="the order was changed")


def _written(orders: Sequence[Locked], kind: str, told: dict[str, Any], *, actor: str, now: datetime) -> dict[int, int]:
    """Record one change of ``orders`` everywhere it is recorded; their revisions now."""
    order_ids = [order.id for order in orders]
    record([(order_id, kind, as_json(told)) for order_id in order_ids], actor=actor)
    audit_many([Note(f"order.{kind}", "order", str(i), told) for i in order_ids], actor=actor, now=now)
    log_changed(orders, route=True)
    return bump(order_ids)


def _place(orders: Sequence[Locked], code: str, *, actor: str, now: datetime) -> None:
    """Review ``orders`` again, promise their goods and route them.

    code: with one, an order that the pool could serve before and cannot now takes the whole change back under it.
    """
    order_ids = [order.id for order in orders]
    short = waiting_for_goods(order_ids)
    review_orders(order_ids, now=now)
    until = held_until(order_ids, now)
    for order in orders:
        if order.status != "paid" and order.id not in until:
            continue
        parts = parts_of_order(order.id)
        by: dict[str, Any] = {"actor": actor, "now": now, "expires_at": until}
        served = [bool(reserve_orders([order.id], part=part, **by)) for part in parts]
        if code and not all(served) and order.id not in short:
            sentence = f"The pool cannot serve order {order.number} with this change; it stays as it was."
            raise _RefusedEdit(code, sentence)
    route(order_ids, actor=actor, now=now)


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


def give_back(
    order_ids: Collection[int], further: Collection[int], *, why: str = "cancelled", actor: str, now: datetime
) -> None:
    """Take back what is allocated to ``order_ids``, and lock the pools of their goods and of ``further`` SKU ids.

    The caller holds the orders; what is promised to them in the pool is for the caller to release.
    """
    lock_allocated(order_ids)
    lock_pools(goods_of(order_ids) | set(further))
    cancel(order_ids, at=now, actor=actor, why=why)
