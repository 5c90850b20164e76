"""What a node is told of work that routing gave it: until when it is due, and until when it may say no."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.stored import store, stored
from tongpan.fulfillment.actions.steps import Held, note
from tongpan.fulfillment.events import OFFERED
from tongpan.fulfillment.promises import SETTING, Clocks, accept_by, parse_clocks, ready_by, ship_by
from tongpan.fulfillment.states import Work
from tongpan.network.hours import Hours
from tongpan.network.queries import hours_of

_ALWAYS = Hours()


def current_clocks() -> Clocks:
    """The clocks as they are set. One statement."""
    return parse_clocks(stored(SETTING) or {})


def set_clocks(values: dict[str, object]) -> Clocks:
    """Set the clocks for what is routed from now on, in the transaction of the caller. Raises Refusal clocks.*."""
    clocks = parse_clocks({**(stored(SETTING) or {}), **values})
    store(SETTING, {name: getattr(clocks, name) for name in Clocks.__slots__})
    return clocks


def offer(fulfillment_ids: Collection[int], *, actor: str, now: datetime) -> set[int]:
    """Start the clocks of what was just routed and has not left; the ids of those that are offered.

    A pickup gets ``ready_by``, a parcel ``due_at``: by the promise, or by the slot that the buyer chose. A node that
    may say no (``accept_minutes``) is offered its part, every other has it already. For routing, in its transaction,
    which holds the orders. At most seven statements, whatever the number.
    """
    if not fulfillment_ids:
        return set()
    rows = fetch_all(
        """SELECT f.id, f.order_id, o.external_id, o.business_date, f.node_id, n.code, o.delivery_method, o.placed_at,
                  o.slot_start, o.slot_end, n.accept_minutes
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           JOIN network_node n ON n.id = f.node_id
           WHERE f.id = ANY(%s) AND f.status = 'allocated' ORDER BY f.id""",
        [sorted(fulfillment_ids)],
    )
    if not rows:
        return set()
    clocks = current_clocks()
    asked = {row[4] for row in rows if row[10] is not None}
    counted = {row[4] for row in rows} if clocks.pause_outside_hours else asked
    hours = hours_of(counted) if counted else {}
    times = []
    held: dict[int, Held] = {}
    for i, order_id, number, day, node_id, node, method, placed_at, slot_start, slot_end, minutes in rows:
        at_node = hours.get(node_id, _ALWAYS)
        ready, due = None, None
        if method == "pickup":
            ready = ready_by(placed_at, at_node, clocks)
            ready = max(ready, slot_start) if slot_start else ready
        else:
            due = slot_end or ship_by(placed_at, at_node, clocks)
        until = None if minutes is None else accept_by(now, minutes, at_node, ready or due)
        times.append((i, ready, due, until))
        if until is not None:
            held[i] = Held(Work(i, number, node_id, node, "offered", method, is_held=False), order_id, day)
    fetch_all(
        """UPDATE fulfillment_fulfillment f
           SET ready_by = t.ready_by, due_at = t.due_at, accept_by = t.accept_by,
               offered_at = CASE WHEN t.accept_by IS NULL THEN NULL ELSE %s END,
               status = CASE WHEN t.accept_by IS NULL THEN f.status ELSE 'offered' END
           FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
                AS t(id, ready_by, due_at, accept_by)
           WHERE f.id = t.id RETURNING f.id""",
        [now, *(list(column) for column in zip(*times, strict=True))],
    )
    offered = sorted(held)
    told = {i: {"accept_by": until.isoformat()} for i, _, _, until in times if until is not None}
    note("offered", OFFERED, offered, held, actor=actor, now=now, data=told)
    return set(offered)
