"""What waits for the slot of its buyer becomes the work of its node in time (FUL-09)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.offering import current_clocks, offer
from tongpan.fulfillment.actions.steps import hold, sort_out
from tongpan.fulfillment.states import StepOutcome


def release_scheduled(now: datetime, *, actor: str = "routing", limit: int = 200) -> int:
    """Offer what waits for a slot that is near now to its nodes; how many.

    The slot and the lead count as they are now: a slot that was moved later goes on waiting until then, one that is
    gone waits no longer. Locks the orders, then the fulfilments. The statements do not grow with the batch.
    """
    lead = timedelta(minutes=current_clocks().slot_lead_minutes)
    rows = fetch_all(
        """SELECT f.id FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           WHERE f.status = 'on_hold'
             AND (f.offer_from <= %s OR o.slot_start IS NULL OR o.slot_start <= %s)
           ORDER BY f.offer_from, f.id LIMIT %s""",
        [now, now + lead, limit],
    )
    ids = [i for (i,) in rows]

    def work() -> int:
        waiting = [i for i, held in hold(ids).items() if held.work.status == "on_hold"]
        return sum(status != "on_hold" for status in offer(waiting, actor=actor, now=now).values())

    return run_in_transaction(work) if ids else 0


def release(
    fulfillment_ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[StepOutcome]:
    """Do not wait for the slot: these are the work of their nodes now. One outcome for each, at the same position.

    Locks the orders, then the fulfilments.
    """

    def work() -> list[StepOutcome]:
        held = hold(fulfillment_ids)
        able, outcomes = sort_out("release", fulfillment_ids, held, nodes)
        done = offer(able, actor=actor, now=now, early=set(able))
        outcomes |= {i: StepOutcome(i, "done", status) for i, status in done.items()}
        return [outcomes[i] for i in fulfillment_ids]

    return run_in_transaction(work)
