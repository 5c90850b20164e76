"""Single orders that come at once are taken in as one batch: the group commit of intake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from django.db import connection

from tongpan.access.actions import Claim, KeptAnswer, claim_requests, keep_answers
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.core.together import Together
from tongpan.orders.actions.intake import RACES, take_in
from tongpan.orders.engine import OrderDoc, Outcome

MOST = 500
"""Documents in one batch."""


@dataclass(frozen=True, slots=True)
class Once:
    """A request that counts once: its claimed key, and the answer to keep for an outcome, None to keep none."""

    claim: Claim
    answer: Callable[[Outcome], KeptAnswer | None]


@dataclass(frozen=True, slots=True)
class _Asked:
    doc: OrderDoc
    now: datetime
    once: Once | None


_Result = Outcome | KeptAnswer | Refusal


def accept_together(doc: OrderDoc, *, actor: str, now: datetime, once: Once | None = None) -> Outcome | KeptAnswer:
    """Take one order in as ``accept`` does, in one batch with those that other threads of the process bring meanwhile.

    Alone it waits for nobody. When a batch fails each of its orders is taken in alone. Inside a transaction of the
    caller it is taken in alone, in that transaction, because another thread would not see what the caller wrote.
    once: the work is done, and its answer kept, only if the key was not used before; the key, the order and the
    answer commit together. Gives the outcome, or the answer that was kept for an earlier request of the same key.
    Raises Refusal idempotency.other_request when the key was used for another request.
    """
    asked = _Asked(doc, now, once)
    if connection.in_atomic_block:
        [result] = _take([asked], actor)
    else:
        result = _batches_of(actor).do(asked)
    if isinstance(result, Refusal):
        raise result
    return result


@lru_cache(maxsize=1024)
def _batches_of(actor: str) -> Together[_Asked, _Result]:
    # A batch has one actor. An actor that is forgotten while it has a batch gets a second one beside it: no harm.
    return Together(lambda batch: _take(batch, actor), most=MOST)


def _take(batch: Sequence[_Asked], actor: str) -> list[_Result]:
    """The results of ``batch``. A key that occurs in it again is looked at when the first has been answered."""
    results: dict[int, _Result] = {}
    waiting = list(enumerate(batch))
    while waiting:
        seen: set[tuple[int, str]] = set()
        part: list[tuple[int, _Asked]] = []
        later: list[tuple[int, _Asked]] = []
        for position, asked in waiting:
            key = asked.once.claim[:2] if asked.once else None
            (later if key in seen else part).append((position, asked))
            if key is not None:
                seen.add(key)
        work = partial(_take_claimed, [asked for _, asked in part], actor)
        taken = run_in_transaction(work, constraints=RACES)
        results |= {position: result for (position, _), result in zip(part, taken, strict=True)}
        waiting = later
    return [results[position] for position in range(len(batch))]


def _take_claimed(batch: Sequence[_Asked], actor: str) -> list[_Result]:
    """Claims come first, so that who waits for another's key holds nothing else."""
    claimed = [asked for asked in batch if asked.once is not None]
    claims = claim_requests([asked.once.claim for asked in claimed if asked.once], now=batch[-1].now)
    answered = {id(asked): found for asked, found in zip(claimed, claims, strict=True) if found is not None}
    todo = [asked for asked in batch if id(asked) not in answered]
    outcomes = take_in([asked.doc for asked in todo], actor=actor, now=max(asked.now for asked in batch))
    keep_answers(
        [
            (asked.once.claim, asked.once.answer(outcome))
            for asked, outcome in zip(todo, outcomes, strict=True)
            if asked.once is not None
        ]
    )
    done = {id(asked): outcome for asked, outcome in zip(todo, outcomes, strict=True)}
    return [answered.get(id(asked)) or done[id(asked)] for asked in batch]
