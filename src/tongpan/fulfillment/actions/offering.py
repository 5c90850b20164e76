"""What a node is told of work that routing gave it: until when it is due, and until when it may say no."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import fetch_all
from tongpan.core.stored import store, stored
from tongpan.fulfillment.actions.steps import Held, note
from tongpan.fulfillment.events import OFFERED, ON_HOLD, RELEASED
from tongpan.fulfillment.promises import (
    SETTING,
    Clocks,
    accept_by,
    instant_by,
    offer_from,
    parse_clocks,
    ready_by,
    ship_by,
)
from tongpan.fulfillment.states import Work
from tongpan.network.hours import Hours
from tongpan.network.queries import hours_of

_ALWAYS = Hours()


def current_clocks() -> Clocks:
    """The clocks as they are set. One statement."""
    return parse_clocks(stored(SETTING) or {})


def set_clocks(values: dict[str, object], *, actor: str, now: datetime) -> Clocks:
    """Set the clocks for what is routed from now on, in the transaction of the caller. Raises Refusal clocks.*."""
    before = stored(SETTING) or {}
    clocks = parse_clocks({**before, **values})
    store(SETTING, {name: getattr(clocks, name) for name in Clocks.__slots__})
    old = parse_clocks(before)
    changed = {
        name: [getattr(old, name), getattr(clocks, name)]
        for name in Clocks.__slots__
        if getattr(old, name) != getattr(clocks, name)
    }
    if changed:
        audit_many([Note("clocks.saved", "setting", SETTING, changed)], actor=actor, now=now)
    return clocks


@dataclass(frozen=True, slots=True)
class _Times:
    """The clocks of one fulfilment as ``offer`` writes them."""

    id: int
    ready_by: datetime | None
    due_at: datetime | None
    accept_by: datetime | None
    offer_from: datetime | None


def offer(
    fulfillment_ids: Collection[int], *, actor: str, now: datetime, early: Collection[int] = frozenset()
) -> dict[int, str]:
    """Start the clocks of what was just routed, or waits for its slot, and has not left; the status of each by id.

    A pickup gets ``ready_by``, a parcel ``due_at``: by the promise, or by the slot that the buyer chose. What is wanted
    in a later slot waits on hold, with its goods, until the slot is near (``promises.offer_from``); those of ``early``
    do not. A node that may say no (``accept_minutes``) is offered its part, every other has it already. For routing, in
    its transaction, which holds the orders. At most nine statements, whatever the number.
    """
    if not fulfillment_ids:
        return {}
    rows = fetch_all(
        """SELECT f.id, f.order_id, o.external_id, o.business_date, f.node_id, n.code, o.delivery_method, o.placed_at,
                  o.slot_start, o.slot_end, n.accept_minutes, f.status
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           JOIN network_node n ON n.id = f.node_id
           WHERE f.id = ANY(%s) AND f.status IN ('allocated', 'on_hold') ORDER BY f.id""",
        [sorted(fulfillment_ids)],
    )
    if not rows:
        return {}
    clocks = current_clocks()
    counted = {row[4] for row in rows if clocks.pause_outside_hours or row[10] is not None or row[6] == "instant"}
    hours = hours_of(counted) if counted else {}
    times: list[_Times] = []
    before: dict[int, str] = {}
    held: dict[int, Held] = {}
    for i, order_id, number, day, node_id, node, method, placed_at, slot_start, slot_end, minutes, status in rows:
        at_node = hours.get(node_id, _ALWAYS)
        ready, due = _promise(method, placed_at, (slot_start, slot_end), at_node, clocks)
        later = offer_from(slot_start, clocks) if slot_start else None
        waits = later is not None and later > now and i not in early
        until = None
        if not waits and minutes is not None:
            least = min(minutes, clocks.instant_accept_minutes) if method == "instant" else minutes
            until = accept_by(now, least, at_node, ready or due)
        times.append(_Times(i, ready, due, until, later if waits else None))
        before[i] = status
        held[i] = Held(Work(i, number, node_id, node, status, method, is_held=False), order_id, day)
    columns = [
        [getattr(one, name) for one in times] for name in ("id", "ready_by", "due_at", "accept_by", "offer_from")
    ]
    after = dict(
        fetch_all(
            """UPDATE fulfillment_fulfillment f
               SET ready_by = t.ready_by, due_at = t.due_at, accept_by = t.accept_by,
                   offer_from = coalesce(t.offer_from, f.offer_from),
                   offered_at = CASE WHEN t.accept_by IS NULL THEN NULL ELSE %s END,
                   status = CASE WHEN t.offer_from IS NOT NULL THEN 'on_hold'
                                 WHEN t.accept_by IS NOT NULL THEN 'offered' ELSE 'allocated' END
               FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
                    AS t(id, ready_by, due_at, accept_by, offer_from)
               WHERE f.id = t.id RETURNING f.id, f.status""",
            [now, *columns],
        )
    )
    _tell(times, before, after, held, actor=actor, now=now)
    return after


def _promise(
    method: str,
    placed_at: datetime,
    slot: tuple[datetime | None, datetime | None],
    hours: Hours,
    clocks: Clocks,
) -> tuple[datetime | None, datetime | None]:
    """(until when a pickup must be ready, until when a parcel must be there or gone); one of them is None."""
    start, end = slot
    if method == "pickup":
        ready = ready_by(placed_at, hours, clocks)
        return max(ready, start) if start else ready, None
    if end:
        return None, end
    return None, instant_by(placed_at, hours, clocks) if method == "instant" else ship_by(placed_at, hours, clocks)


def _tell(
    times: Sequence[_Times],
    before: Mapping[int, str],
    after: Mapping[int, str],
    held: Mapping[int, Held],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Write down and log what became of each."""
    waiting = [one for one in times if one.offer_from is not None and before[one.id] != "on_hold"]
    told = {one.id: {"offer_from": one.offer_from.isoformat()} for one in waiting if one.offer_from}
    note("on_hold", ON_HOLD, sorted(told), held, actor=actor, now=now, data=told)
    released = [i for i in sorted(after) if before[i] == "on_hold" and after[i] != "on_hold"]
    note("released", RELEASED, released, held, actor=actor, now=now)
    offers = {one.id: {"accept_by": one.accept_by.isoformat()} for one in times if one.accept_by is not None}
    note("offered", OFFERED, sorted(offers), held, actor=actor, now=now, data=offers)
