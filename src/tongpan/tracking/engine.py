"""What a visit or a door counter may say. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

KINDS = ("enter", "experience", "try_on")
AHEAD = timedelta(days=1)
"""How far the clock of a source may be ahead of ours."""
MAX_GOODS = 50
MAX_ENTERED = 100_000
# Seven digits or more in a row, spaces and dashes between them left out, or an address of e-mail.
_PERSONAL = re.compile(r"(?:\d[ \-]?){7,}|\S@\S")
_KIND = re.compile(r"[a-z_]{1,20}")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Identifier:
    """By what a visitor is known, as in ``customers``: kind ("phone"), scope ("company") and value."""

    kind: str
    scope: str
    value: str


@dataclass(frozen=True, slots=True)
class VisitDoc:
    """One visit; (source, number) is its natural key. at is aware. goods: SKU codes shown or tried."""

    source: str
    number: str
    node_code: str
    at: datetime
    kind: str = "enter"
    staff: str = ""
    goods: Sequence[str] = ()
    visitor: Identifier | None = None
    note: str = ""
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class DoorDoc:
    """How many came in at a node in the hour in which ``hour`` lies."""

    node_code: str
    hour: datetime
    entered: int
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class TrackOutcome:
    """What became of one document, at the position it was given."""

    state: Literal["accepted", "unchanged", "refused"]
    visit_id: int | None = None
    code: str = ""
    reason: str = ""


def refused(code: str, reason: str) -> TrackOutcome:
    return TrackOutcome("refused", None, code, reason)


def visit_refusal(doc: VisitDoc, now: datetime) -> TrackOutcome | None:
    """Why a visit cannot be taken whatever the database holds, or None."""
    visitor = doc.visitor
    texts = [doc.source, doc.number, doc.node_code, doc.staff, doc.note, *doc.goods]
    texts += [visitor.kind, visitor.scope, visitor.value] if visitor else []
    if any(_NO_TEXT.search(text) for text in texts):
        return refused("visit.text", "A text of it holds control characters or half a character.")
    if doc.kind not in KINDS:
        return refused("visit.kind", f"{doc.kind!r} is no kind of visit; known are {', '.join(KINDS)}.")
    if not 0 < len(doc.number) <= 120 or not 0 < len(doc.source) <= 60:
        return refused("visit.number", "The number is empty or longer than 120 characters.")
    if len(doc.staff) > 80 or len(doc.note) > 300 or len(doc.goods) > MAX_GOODS:
        return refused("visit.long", f"A name has at most 80 characters, a note 300, and {MAX_GOODS} goods are shown.")
    if _PERSONAL.search(doc.note):
        return refused(
            "visit.personal", "The note holds a phone number or an e-mail address; name the visitor by an identifier."
        )
    if visitor and not (_KIND.fullmatch(visitor.kind) and visitor.value.strip() and len(visitor.value) <= 120):
        return refused("visit.visitor", "A visitor is known by a kind of identifier (as phone) and a value.")
    if visitor and len(visitor.scope) > 60:
        return refused("visit.visitor", "The scope of an identifier has at most 60 characters.")
    if doc.at > now + AHEAD:
        return refused("visit.time", "The time of the visit lies in the future.")
    return None


def door_refusal(doc: DoorDoc, now: datetime) -> TrackOutcome | None:
    """Why a door count cannot be taken, or None."""
    if not 0 <= doc.entered <= MAX_ENTERED:
        return refused("door.entered", f"In an hour 0 to {MAX_ENTERED} people come in.")
    if doc.hour > now + AHEAD:
        return refused("door.time", "The hour lies in the future.")
    return None
