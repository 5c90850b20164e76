"""Holding orders back and letting them go, by hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.locking import bump, lock_orders, log_changed
from tongpan.orders.changes import Handled, refusal_of_change, unknown
from tongpan.orders.review import BLOCKING, BY_PERSON

LONGEST_DETAIL = 500
_PLATFORMS = {
    "unpaid": "it ends when the payment arrives",
    "quota": "it ends when the channel has quota again",
    "out_of_stock": "it ends when stock comes in",
    "no_node": "it ends when a node serves the shop",
    "unbooked": "it ends when the goods are booked",
    "group": "it ends when the group is formed",
}


def hold(order_ids: Sequence[int], reason: str, detail: str, *, actor: str, now: datetime) -> list[Handled]:
    """Hold orders back for ``reason`` (one of ``review.BY_PERSON``); the outcome of each, at the same position.

    A held order is not routed, and what is allocated to it is not dispatched by hand; what it holds of the stock
    stays promised to it. An order that is held for the reason already is unchanged; one that has left or is
    cancelled is refused. Locks the orders in ascending order of id. Raises Refusal hold.reason or hold.detail.
    """
    if reason not in BY_PERSON:
        raise Refusal("hold.reason", f"A person holds orders for one of {', '.join(BY_PERSON)}, not for {reason!r}.")
    detail = checked_text(detail, "hold.detail")
    return run_in_transaction(lambda: _hold(order_ids, reason, detail, actor=actor, now=now))


def checked_text(text: str, code: str, most: int = LONGEST_DETAIL) -> str:
    """``text`` without blanks around it. Raises Refusal ``code`` when it is too long or no text."""
    text = text.strip()
    if len(text) > most or "\x00" in text:
        raise Refusal(code, f"A text has at most {most} characters and no NUL byte.")
    return text


def _hold(order_ids: Sequence[int], reason: str, detail: str, *, actor: str, now: datetime) -> list[Handled]:
    locked = lock_orders(order_ids)
    refused = {
        o.id: problem for o in locked.values() if (problem := refusal_of_change(o.id, o.number, o.status, o.revision))
    }
    held = {
        order_id
        for (order_id,) in fetch_all(
            """INSERT INTO orders_hold (order_id, reason, detail, opened_at, opened_by, released_by)
               SELECT h, %s, %s, %s, %s, '' FROM unnest(%s::bigint[]) AS h ON CONFLICT DO NOTHING RETURNING order_id""",
            [reason, detail, now, actor, sorted(set(locked) - set(refused))],
        )
    }
    revisions = bump(held)
    audit_many(
        [Note("order.held", "order", str(i), {"reason": reason}) for i in sorted(held)],
        actor=actor,
        now=now,
    )
    log_changed([locked[i] for i in sorted(held)], route=False)
    return [
        unknown(i)
        if i not in locked
        else refused.get(i) or Handled(i, "done" if i in held else "unchanged", revisions.get(i, locked[i].revision))
        for i in order_ids
    ]


def release_hold(order_ids: Sequence[int], reason: str, note: str, *, actor: str, now: datetime) -> list[Handled]:
    """Release the hold of each order for ``reason`` (one of ``review.BY_PERSON``); the outcome of each.

    ``note`` says why. The review does not hold the order again for what it saw then, only for something new. An
    order that nothing blocks any more is routed. Locks the orders in ascending order of id. Raises Refusal
    hold.reason (also for holds that the platform ends by itself) or hold.detail.
    """
    if reason in _PLATFORMS:
        raise Refusal("hold.reason", f"A hold for {reason} is not released by hand: {_PLATFORMS[reason]}.")
    if reason not in BY_PERSON:
        raise Refusal("hold.reason", f"There is no hold for {reason!r}; the reasons are {', '.join(BY_PERSON)}.")
    note = checked_text(note, "hold.detail")
    return run_in_transaction(lambda: _release(order_ids, reason, note, actor=actor, now=now))


def _release(order_ids: Sequence[int], reason: str, note: str, *, actor: str, now: datetime) -> list[Handled]:
    locked = lock_orders(order_ids)
    released = {
        order_id
        for (order_id,) in fetch_all(
            """UPDATE orders_hold SET released_at = %s, released_by = %s, release_note = %s
               WHERE order_id = ANY(%s) AND reason = %s AND released_at IS NULL RETURNING order_id""",
            [now, actor, note, sorted(locked), reason],
        )
    }
    revisions = bump(released)
    audit_many(
        [Note("order.released", "order", str(i), {"reason": reason}) for i in sorted(released)],
        actor=actor,
        now=now,
    )
    blocked = blocked_orders(released)
    log_changed([locked[i] for i in sorted(released & blocked)], route=False)
    log_changed([locked[i] for i in sorted(released - blocked)], route=True)
    return [
        Handled(i, "done" if i in released else "unchanged", revisions.get(i, locked[i].revision))
        if i in locked
        else unknown(i)
        for i in order_ids
    ]


def blocked_orders(order_ids: Collection[int]) -> set[int]:
    """Those of ``order_ids`` that have an open hold of ``review.BLOCKING``."""
    if not order_ids:
        return set()
    rows = fetch_all(
        """SELECT DISTINCT order_id FROM orders_hold
           WHERE order_id = ANY(%s) AND released_at IS NULL AND reason = ANY(%s)""",
        [sorted(order_ids), list(BLOCKING)],
    )
    return {order_id for (order_id,) in rows}


def waiting_for_goods(order_ids: Collection[int]) -> set[int]:
    """Those of ``order_ids`` that wait for goods: out of stock, or beyond the quota of their channel."""
    rows = fetch_all(
        """SELECT DISTINCT order_id FROM orders_hold WHERE order_id = ANY(%s) AND released_at IS NULL
             AND reason IN ('out_of_stock', 'quota')""",
        [sorted(order_ids)],
    )
    return {order_id for (order_id,) in rows}
