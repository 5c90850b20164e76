"""Reads of the check before launch: its last run over a draft, what is open, and the notices of the stack matrix."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.core.bulk import as_json
from tongpan.core.errors import Refusal
from tongpan.promotions.conflicts.models import Acceptance, Check, CheckFinding, StackNotice
from tongpan.promotions.models import Draft, RulebookVersion


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A finding of the last run and what became of it. acceptance: None while it is open.

    accepted_in: the version that was published with it accepted, 0 for an acceptance of this draft.
    """

    row: CheckFinding
    accepted_by: str = ""
    accepted_at: datetime | None = None
    reason: str = ""
    accepted_in: int = 0

    @property
    def is_open(self) -> bool:
        return not self.accepted_by


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The last run over a draft. is_current: the draft is as it was looked at."""

    run: Check
    is_current: bool
    findings: list[FoundRow]

    @property
    def open(self) -> list[FoundRow]:
        return [one for one in self.findings if one.is_open]


def hash_of(document: Mapping[str, Any]) -> str:
    """What a run is bound to: the same rulebook has the same hash, in whatever order its words come."""
    return hashlib.blake2b(as_json(dict(document)).encode(), digest_size=16).hexdigest()


def last_check(draft: Draft) -> LastCheck | None:
    """The last run over the whole of ``draft``, with what was accepted. Four statements."""
    run = Check.objects.filter(draft=draft.name, campaign="").first()
    if run is None:
        return None
    rows = list(run.findings.order_by("position"))
    accepted = {one.key: one for one in Acceptance.objects.filter(draft=draft.name)}
    version = RulebookVersion.objects.first()
    before = {one["key"]: one for one in version.findings if one.get("accepted_by")} if version else {}
    found = []
    for row in rows:
        if (mine := accepted.get(row.key)) is not None:
            found.append(FoundRow(row, mine.accepted_by, mine.accepted_at, mine.reason))
        elif version is not None and (old := before.get(row.key)) is not None:
            at = datetime.fromisoformat(old["accepted_at"])
            found.append(FoundRow(row, old["accepted_by"], at, old["reason"], version.version))
        else:
            found.append(FoundRow(row))
    return LastCheck(run, run.document_hash == hash_of(draft.document), found)


def settled(draft: Draft) -> list[dict[str, Any]]:
    """What the version that ``draft`` becomes keeps of its findings.

    Raises Refusal("draft.unchecked") when the draft was not checked as it is now, Refusal("draft.findings") while a
    finding is open.
    """
    checked = last_check(draft)
    if checked is None or not checked.is_current:
        raise Refusal(
            "draft.unchecked",
            f"The draft {draft.name} was not checked as it is now; run the check before launch over it first.",
        )
    if open_rows := checked.open:
        kinds = ", ".join(sorted({one.row.kind for one in open_rows}))
        raise Refusal(
            "draft.findings",
            f"{len(open_rows)} findings of the check before launch are open in the draft {draft.name} ({kinds}). "
            "Change the draft so that they disappear, or let somebody entitled accept each with a reason.",
        )
    return [
        {
            "kind": one.row.kind,
            "key": one.row.key,
            "content": one.row.content,
            "accepted_by": one.accepted_by,
            "accepted_at": one.accepted_at.isoformat() if one.accepted_at else "",
            "reason": one.reason,
        }
        for one in checked.findings
    ]


def notices() -> list[StackNotice]:
    """Every notice of the stack matrix, the newest first. One statement."""
    return list(StackNotice.objects.all()[:200])
