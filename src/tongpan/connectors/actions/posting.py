"""Hands documents to the actions of their rooms, batch by batch, and books what became of their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.db import DataError, transaction

from tongpan.connectors.actions.buyers import recognised
from tongpan.connectors.engine.documents import Prepared, StagedRow
from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.tally import Tally
from tongpan.inventory.actions import adjust
from tongpan.orders.actions import accept, accept_corrections, accept_returns

BATCH_DOCUMENTS = 1000
BATCH_LINES = 20_000
KEPT = ("accepted", "updated", "unchanged")
KINDS = ("sale", "return", "adjustment", "correction")


class Outcome(Protocol):
    """What the actions of all rooms have in common in what they answer."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...


T = TypeVar("T")
Reject = Callable[[StagedRow, Sequence[Problem]], None]


def post_each(docs: Sequence[T], post: Callable[[Sequence[T]], Sequence[Any]], *, is_dry_run: bool) -> list[Any]:
    """The outcome of each of ``docs``; a batch that the database cannot store is halved until the culprit is alone.

    In a dry run all is done and taken back.
    """
    if not docs:
        return []
    try:
        if not is_dry_run:
            return list(post(docs))
        with transaction.atomic():
            outcomes = list(post(docs))
            transaction.set_rollback(True)
        return outcomes
    except DataError as error:
        if len(docs) == 1:
            return [_Refused(f"the database cannot store it: {str(error).splitlines()[0]}")]
        half = len(docs) // 2
        return post_each(docs[:half], post, is_dry_run=is_dry_run) + post_each(docs[half:], post, is_dry_run=is_dry_run)


class _Refused:
    state = "refused"

    def __init__(self, reason: str) -> None:
        self.reason = reason


class DocumentPoster:
    """Collects documents and posts them in batches; each batch is committed on its own.

    prepare: called at the start of every batch of a dry run, inside its transaction, to make what a real run
    would have made by then. keep: given the parts of the documents of a batch that are in.
    """

    def __init__(
        self,
        tally: Tally,
        reject: Reject,
        *,
        actor: str,
        import_id: int | None,
        now: datetime,
        is_dry_run: bool,
        prepare: Callable[[], None] | None = None,
        keep: Callable[[Sequence[object]], None] | None = None,
    ) -> None:
        self._tally = tally
        self._reject = reject
        self._is_dry_run = is_dry_run
        self._prepare = prepare
        self._keep = keep
        self._waiting: dict[str, list[Prepared]] = {kind: [] for kind in KINDS}
        self._documents = self._lines = 0
        self._post: dict[str, Callable[[Sequence[Any]], Sequence[Any]]] = {
            "sale": lambda docs: accept(docs, actor=actor, import_id=import_id, now=now),
            "return": lambda docs: accept_returns(docs, actor=actor, import_id=import_id, now=now),
            "adjustment": lambda docs: adjust(docs, actor=actor, now=now),
            "correction": lambda docs: accept_corrections(docs, actor=actor, import_id=import_id, now=now),
        }

    def add(self, prepared: Prepared) -> bool:
        """Take a document; True when that filled a batch and posted it."""
        self._tally.hold(prepared)
        if prepared.cls == "ignore":
            self._tally.ignored += len(prepared.rows)
            self._tally.unchanged += len(prepared.rows)
            return False
        self._waiting[prepared.cls].append(prepared)
        self._documents += 1
        self._lines += len(prepared.rows)
        if self._documents < BATCH_DOCUMENTS and self._lines < BATCH_LINES:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Post what waits. Orders go before returns, so that a return finds its order."""
        for kind, collected in self._waiting.items():
            waiting = recognised(collected)
            outcomes = post_each(
                [prepared.doc for prepared in waiting], self._posting(kind), is_dry_run=self._is_dry_run
            )
            for prepared, outcome in zip(waiting, outcomes, strict=True):
                self._settle(prepared, outcome)
            if self._keep is not None:
                pairs = zip(waiting, outcomes, strict=True)
                self._keep([p.part for p, o in pairs if p.part is not None and o.state in KEPT])
            collected.clear()
        self._documents = self._lines = 0

    def _posting(self, kind: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
        post, prepare = self._post[kind], self._prepare

        def run(docs: Sequence[Any]) -> Sequence[Any]:
            if prepare is not None:
                prepare()
            return post(docs)

        return run

    def _settle(self, prepared: Prepared, outcome: Any) -> None:
        self._tally.settle(outcome.state, len(prepared.rows))
        self._tally.short_units += getattr(outcome, "short", 0)
        if outcome.state == "refused":
            problem = Problem("", "", outcome.reason)
            for row in prepared.rows:
                self._reject(row, [problem])
