"""A node says no, or nothing: the goods are free again, and the order goes elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.dispatch import give_up
from tongpan.fulfillment.actions.rejecting import keep_away
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.actions.snapshot import goods_of, load_jobs
from tongpan.fulfillment.actions.steps import Held, hold, note, sort_out
from tongpan.fulfillment.events import REJECTED
from tongpan.fulfillment.states import REASONS, STEPS, StepOutcome
from tongpan.inventory.actions import open_counts
from tongpan.inventory.engine.counting import SheetDoc
from tongpan.inventory.locks import lock_pools

SAYABLE = tuple(reason for reason in REASONS if reason != "timeout")
"""The reasons that a person may give."""
LONGEST_NOTE = 500


def reject(
    fulfillment_ids: Sequence[int],
    reason: str,
    note_text: str = "",
    *,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None = None,
) -> list[StepOutcome]:
    """The node does not send these; one outcome for each, at the same position.

    Its goods are free again, the node is not asked again for the same order, and the order is routed anew in the same
    transaction. reason: one of SAYABLE; "stock_missing" and "damaged" open a count of what should have been there.
    Locks orders, fulfilments, then pools. Raises Refusal reject.reason, reject.note.
    """
    if reason not in SAYABLE:
        raise Refusal("reject.reason", f"{reason!r} is no reason to reject; give one of {', '.join(SAYABLE)}.")
    if len(note_text) > LONGEST_NOTE or "\x00" in note_text:
        raise Refusal("reject.note", f"The note has more than {LONGEST_NOTE} characters, or one that is none.")
    return run_in_transaction(
        lambda: _reject(fulfillment_ids, reason, note_text.strip(), actor=actor, now=now, nodes=nodes)
    )


def expire_offers(now: datetime, *, actor: str = "routing", limit: int = 200) -> int:
    """Take offers back that nobody accepted in time, or whose node is out of service; how many."""
    late = fetch_all(
        """SELECT f.id FROM fulfillment_fulfillment f JOIN network_node n ON n.id = f.node_id
           WHERE f.status = 'offered' AND (f.accept_by <= %s OR NOT n.is_active) ORDER BY f.id LIMIT %s""",
        [now, limit],
    )
    if not late:
        return 0
    ids = [i for (i,) in late]
    # Those that are accepted in this very moment are no offers any more.
    outcomes = run_in_transaction(lambda: _reject(ids, "timeout", "", actor=actor, now=now, only=("offered",)))
    return sum(outcome.state == "done" for outcome in outcomes)


def _reject(
    fulfillment_ids: Sequence[int],
    reason: str,
    text: str,
    *,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None = None,
    only: Sequence[str] = STEPS["reject"],
) -> list[StepOutcome]:
    order_ids = {
        order_id
        for (order_id,) in fetch_all(
            "SELECT DISTINCT order_id FROM fulfillment_fulfillment WHERE id = ANY(%s)", [sorted(set(fulfillment_ids))]
        )
    }
    load_jobs(order_ids)  # locks those that are sent together with them too: they are routed as one
    held = hold(fulfillment_ids)
    able, outcomes = sort_out("reject", fulfillment_ids, held, nodes)
    done = [i for i in able if held[i].work.status in only]
    outcomes |= {i: StepOutcome(i, "unchanged", held[i].work.status) for i in able if i not in done}
    if done:
        concerned = {held[i].order_id for i in done}
        lock_pools(goods_of(concerned))
        give_up(done, at=now, actor=actor)
        fetch_all(
            """UPDATE fulfillment_fulfillment SET status = 'rejected', rejected_at = %s, reject_reason = %s,
                      worked_by = %s
               WHERE id = ANY(%s) RETURNING id""",
            [now, reason, actor, done],
        )
        told = {i: {"reason": reason, **({"note": text} if text else {})} for i in done}
        note("rejected", REJECTED, done, held, actor=actor, now=now, data=told)
        if reason in ("stock_missing", "damaged"):
            _count(done, held, reason, actor=actor, now=now)
        away: dict[int, set[int]] = defaultdict(set)
        for i in done:
            away[held[i].order_id].add(held[i].work.node_id)
        keep_away(away, reason, actor=actor, now=now)
        route(concerned, actor=actor, now=now)
        outcomes |= {i: StepOutcome(i, "done", "rejected") for i in done}
    return [outcomes[i] for i in fulfillment_ids]


def _count(fulfillment_ids: Sequence[int], held: dict[int, Held], reason: str, *, actor: str, now: datetime) -> None:
    """Propose to count what should have been there: the book says more than the shelf has."""
    goods: dict[int, list[str]] = defaultdict(list)
    for i, code in fetch_all(
        """SELECT DISTINCT l.fulfillment_id, s.code FROM fulfillment_fulfillmentline l
           JOIN catalog_sku s ON s.id = l.sku_id WHERE l.fulfillment_id = ANY(%s) ORDER BY 1, 2""",
        [list(fulfillment_ids)],
    ):
        goods[i].append(code)
    sheets = [
        SheetDoc("fulfillment", f"reject-{i}", held[i].work.node, "cycle", codes, note=f"{reason}: parcel {i}")
        for i, codes in goods.items()
    ]
    open_counts(sheets, actor=actor, now=now)
