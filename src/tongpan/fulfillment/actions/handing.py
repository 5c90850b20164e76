"""Handing pickups over to their buyers, reminding those who do not come, and putting goods back on sale."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment import events
from tongpan.fulfillment.actions.changing import cancel_orders
from tongpan.fulfillment.actions.desk import digest_of
from tongpan.fulfillment.actions.dispatch import depart, give_up
from tongpan.fulfillment.actions.offering import current_clocks
from tongpan.fulfillment.actions.snapshot import goods_of
from tongpan.fulfillment.actions.steps import Held, hold, note, sort_out
from tongpan.fulfillment.pickup.codes import read_code
from tongpan.fulfillment.states import StepOutcome
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions import hold as hold_order
from tongpan.orders.actions import record_delivery

MOST_GUESSES = 10
GUESS_WINDOW = timedelta(minutes=10)
"""So many codes that nobody has, within so long, and a person's further ones are not looked at."""


class Found(NamedTuple):
    """What a code stands for. used_at, used_by: when and by whom it was used, None and "" before."""

    fulfillment_id: int
    number: str
    node_id: int
    node: str
    status: str
    collect_by: datetime | None
    used_at: datetime | None
    used_by: str


def find_code(text: str, *, actor: str, now: datetime, nodes: Collection[int] | None = None) -> Found:
    """The pickup whose code ``text`` says, typed or scanned; nothing is handed over.

    A code that nobody has counts as a guess of ``actor``. Raises Refusal pickup.form, pickup.guesses, pickup.unknown,
    and pickup.elsewhere when it waits at none of ``nodes``.
    """
    code = read_code(text)
    if not code:
        raise Refusal("pickup.form", "This is no pickup code: it has nine letters and digits. Type or scan it again.")
    recent = fetch_all(
        "SELECT count(*) FROM fulfillment_pickupguess WHERE actor = %s AND at > %s", [actor, now - GUESS_WINDOW]
    )[0][0]
    if recent >= MOST_GUESSES:
        raise Refusal("pickup.guesses", "Too many wrong codes; wait ten minutes, or look the order up by its number.")
    rows = fetch_all(
        """SELECT f.id, o.external_id, f.node_id, n.name, f.status, f.collect_by, c.used_at, c.used_by
           FROM fulfillment_pickupcode c JOIN fulfillment_fulfillment f ON f.id = c.fulfillment_id
           JOIN orders_order o ON o.id = f.order_id JOIN network_node n ON n.id = f.node_id WHERE c.digest = %s""",
        [digest_of(code)],
    )
    if not rows:
        execute("INSERT INTO fulfillment_pickupguess (actor, at) VALUES (%s, %s)", [actor, now])
        raise Refusal("pickup.unknown", "Nobody has this pickup code. Ask the buyer to show it again.")
    found = Found(*rows[0])
    if nodes is not None and found.node_id not in nodes:
        raise Refusal(
            "pickup.elsewhere", f"Order {found.number} waits at {found.node}, not here; send the buyer there."
        )
    return found


def collect(text: str, *, actor: str, now: datetime, nodes: Collection[int] | None = None) -> StepOutcome:
    """Hand the goods over to the buyer who shows the code ``text``: once, whoever of several clerks comes first.

    Refused as ``find_code`` says (the outcome's fulfillment_id is 0 then), or with pickup.collected, pickup.expired or
    fulfillment.*: a sentence that says who handed it over, where and when, or what to do. A wrong code is remembered,
    so this must not be rolled back by who calls it. Locks the order, the fulfilment, then the pools.
    """
    try:
        found = find_code(text, actor=actor, now=now, nodes=nodes)
    except Refusal as refusal:
        return StepOutcome(0, "refused", "", refusal.code, str(refusal))

    def work() -> StepOutcome:
        held = hold([found.fulfillment_id])
        i, status = found.fulfillment_id, held[found.fulfillment_id].work.status
        is_late = status == "ready" and found.collect_by is not None and found.collect_by <= now
        if is_late or status == "cancelled":
            return StepOutcome(i, "refused", status, "pickup.expired", _expired(found))
        if status == "delivered":
            return StepOutcome(i, "refused", status, "pickup.collected", _collected(i, found.number, found.node))
        return _hand_over([i], held, {}, actor=actor, now=now, nodes=nodes)[0]

    return run_in_transaction(work)


def hand_over(
    fulfillment_ids: Sequence[int], reason: str, *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[StepOutcome]:
    """Hand pickups over without their codes: the buyer was recognised otherwise, as ``reason`` says.

    One outcome for each, at the same position. Raises Refusal pickup.reason. Locks as ``collect``.
    """
    text = reason.strip()
    if not 5 <= len(text) <= 200 or "\x00" in text:
        raise Refusal("pickup.reason", "Say in 5 to 200 characters how you know that this is the buyer.")

    def work() -> list[StepOutcome]:
        held = hold(fulfillment_ids)
        return _hand_over(fulfillment_ids, held, {"without_code": text}, actor=actor, now=now, nodes=nodes)

    return run_in_transaction(work)


def _hand_over(
    fulfillment_ids: Sequence[int],
    held: dict[int, Held],
    told: dict[str, str],
    *,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None,
) -> list[StepOutcome]:
    able, outcomes = sort_out("hand_over", fulfillment_ids, held, nodes)
    if able:
        depart(dict.fromkeys(able, now), actor=actor)
        execute(
            """WITH used AS (UPDATE fulfillment_pickupcode SET used_at = %s, used_by = %s
                             WHERE fulfillment_id = ANY(%s) AND used_at IS NULL)
               UPDATE fulfillment_fulfillment SET status = 'delivered', delivered_at = %s, collected_at = %s,
                      worked_by = %s WHERE id = ANY(%s)""",
            [now, actor, able, now, now, actor, able],
        )
        note("collected", events.COLLECTED, able, held, actor=actor, now=now, data=dict.fromkeys(able, told))
        append([NewEvent(events.DELIVERED, str(i), {"order": held[i].order_id, "day": f"{held[i].day}"}) for i in able])
        record_delivery(_arrived({held[i].order_id for i in able}), actor=actor)
        outcomes |= {i: StepOutcome(i, "done", "delivered") for i in able}
    return [outcomes[i] for i in fulfillment_ids]


def _arrived(order_ids: Collection[int]) -> dict[int, datetime]:
    """When the last goods reached the buyer, of those orders of which all have."""
    return dict(
        fetch_all(
            """SELECT order_id, max(delivered_at) FROM fulfillment_fulfillment
               WHERE order_id = ANY(%s) AND status NOT IN ('cancelled', 'rejected') GROUP BY 1
               HAVING bool_and(status = 'delivered')""",
            [sorted(order_ids)],
        )
    )


def _collected(fulfillment_id: int, number: str, node: str) -> str:
    rows = fetch_all(
        """SELECT e.actor, to_char(e.at AT TIME ZONE n.zone, 'YYYY-MM-DD HH24:MI')
           FROM fulfillment_fulfillmentevent e JOIN network_node n ON n.id = e.node_id
           WHERE e.fulfillment_id = %s AND e.kind = 'collected' ORDER BY e.id DESC LIMIT 1""",
        [fulfillment_id],
    )
    by = f" by {rows[0][0].removeprefix('user:')} at {rows[0][1]}" if rows else ""
    return f"Order {number} was handed over at {node} already{by}; its code counts once."


def _expired(found: Found) -> str:
    return (
        f"The time in which {found.node} kept order {found.number} is over, or the order was called off: do not hand "
        "it over, and let the office decide."
    )


def remind(now: datetime, *, actor: str = "routing", limit: int = 500) -> int:
    """Log a reminder (``fulfillment.pickup_reminder``) for pickups whose time is nearly over, once each; how many."""

    def work() -> int:
        due = fetch_all(
            """SELECT id, collect_by FROM fulfillment_fulfillment
               WHERE status = 'ready' AND reminded_at IS NULL AND collect_by > %s AND collect_by <= %s
               ORDER BY collect_by, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
            [now, now + timedelta(hours=current_clocks().remind_hours), limit],
        )
        ids = sorted(i for i, _ in due)
        if ids:
            execute("UPDATE fulfillment_fulfillment SET reminded_at = %s WHERE id = ANY(%s)", [now, ids])
            told = {i: {"collect_by": at.isoformat()} for i, at in due}
            note("reminded", events.REMINDER, ids, hold(ids), actor=actor, now=now, data=told)
        return len(ids)

    return run_in_transaction(work)


def expire_pickups(now: datetime, *, actor: str = "routing", limit: int = 200) -> int:
    """Put the goods of pickups that nobody fetched in time back on sale; how many.

    Their orders are cancelled, or held for the office to decide, as the clocks say (``after_expiry``); an order of
    which anything has left is held. Locks orders, fulfilments, then pools.
    """

    def work() -> int:
        late = [
            i
            for (i,) in fetch_all(
                """SELECT id FROM fulfillment_fulfillment WHERE status = 'ready' AND collect_by <= %s
                   ORDER BY id LIMIT %s""",
                [now, limit],
            )
        ]
        held = hold(late)
        done = sorted(i for i, one in held.items() if one.work.status == "ready")
        if not done:
            return 0
        order_ids = sorted({held[i].order_id for i in done})
        lock_pools(goods_of(order_ids))
        give_up(done, at=now, actor=actor)
        execute("UPDATE fulfillment_fulfillment SET status = 'cancelled' WHERE id = ANY(%s)", [done])
        note("expired", events.EXPIRED, done, held, actor=actor, now=now)
        waiting = order_ids
        if current_clocks().after_expiry == "cancel":
            outcomes = cancel_orders([(i, None) for i in order_ids], "nobody fetched it", actor=actor, now=now)
            waiting = [outcome.order_id for outcome in outcomes if outcome.state == "refused"]
        if waiting:
            hold_order(waiting, "manual", "Nobody fetched it in time.", actor=actor, now=now)
        return len(done)

    return run_in_transaction(work)
