"""The steps of a node's work: accept, pick, pack, make ready. Each counts once, whoever comes first.

All take many fulfilments and give one ``StepOutcome`` for each, at the same position. ``nodes`` are the ids of the
nodes where the person works (``network.queries.nodes_of``), None for all. Locks the orders, then the fulfilments, each
in ascending order of id.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.access.vault import blind_index
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment import events
from tongpan.fulfillment.actions.offering import current_clocks
from tongpan.fulfillment.actions.steps import hold, note, sort_out
from tongpan.fulfillment.pickup.codes import code_of
from tongpan.fulfillment.promises import collect_until
from tongpan.fulfillment.states import STEPS, StepOutcome

_MOVES = {
    "accept": ("accepted", "accepted_at", events.ACCEPTED),
    "pick": ("picking", "picked_at", events.PICKED),
    "pack": ("packed", "packed_at", events.PACKED),
    "ready": ("ready", "ready_at", events.READY),
}
"""Step: (the status it leads to, the column of its time, what is logged)."""


def accept(
    fulfillment_ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[StepOutcome]:
    """The node takes on what was offered to it. After ``accept_by`` it may still, until the offer is taken away."""
    return run_in_transaction(lambda: _move("accept", fulfillment_ids, actor=actor, now=now, nodes=nodes))


def pick(
    fulfillment_ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[StepOutcome]:
    """Somebody begins to gather the goods."""
    return run_in_transaction(lambda: _move("pick", fulfillment_ids, actor=actor, now=now, nodes=nodes))


def pack(
    fulfillment_ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[StepOutcome]:
    """The goods are in their parcel, picked before or just now."""
    return run_in_transaction(lambda: _move("pack", fulfillment_ids, actor=actor, now=now, nodes=nodes))


def make_ready(
    fulfillment_ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[StepOutcome]:
    """The goods of pickups wait for their buyers, each of whom gets a code (``pickup.queries.code_for``)."""

    def work() -> list[StepOutcome]:
        outcomes = _move("ready", fulfillment_ids, actor=actor, now=now, nodes=nodes)
        done = [outcome.fulfillment_id for outcome in outcomes if outcome.state == "done"]
        if done:
            execute(
                "UPDATE fulfillment_fulfillment SET collect_by = %s WHERE id = ANY(%s)",
                [collect_until(now, current_clocks()), done],
            )
            _issue(done, now=now)
        return outcomes

    return run_in_transaction(work)


def _move(
    step: str, fulfillment_ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None
) -> list[StepOutcome]:
    status, column, event = _MOVES[step]
    held = hold(fulfillment_ids)
    able, outcomes = sort_out(step, fulfillment_ids, held, nodes)
    moved = fetch_all(
        f"""UPDATE fulfillment_fulfillment SET status = %s, {column} = %s, worked_by = %s
            WHERE id = ANY(%s) AND status = ANY(%s) RETURNING id""",
        [status, now, actor, able, list(STEPS[step])],
    )
    done = sorted(i for (i,) in moved)
    note(step, event, done, held, actor=actor, now=now)
    outcomes |= {i: StepOutcome(i, "done", status) for i in done}
    return [outcomes[i] for i in fulfillment_ids]


def _issue(fulfillment_ids: Sequence[int], *, now: datetime) -> None:
    """Give each of these pickups a code; only its keyed hash is kept, and the salt that makes it again."""
    salts = [secrets.token_bytes(12) for _ in fulfillment_ids]
    codes = [made_code(i, salt) for i, salt in zip(fulfillment_ids, salts, strict=True)]
    execute(
        """INSERT INTO fulfillment_pickupcode (fulfillment_id, salt, digest, hint, issued_at)
           SELECT c.*, %s FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::text[]) AS c
           ON CONFLICT (fulfillment_id) DO NOTHING""",
        [now, list(fulfillment_ids), salts, [digest_of(code) for code in codes], [code[-2:] for code in codes]],
    )


def made_code(fulfillment_id: int, salt: bytes) -> str:
    """The code of a pickup: from the vault's key, its id and its salt, so that it need not be kept."""
    return code_of(blind_index("pickup-secret", str(fulfillment_id), salt.hex()))


def digest_of(code: str) -> bytes:
    """What is kept of a code."""
    return blind_index("pickup-code", "", code)
