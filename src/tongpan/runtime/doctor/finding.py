"""The answer of one check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"  # worth knowing, works all the same
    WRONG = "wrong"  # does not work, or loses something


@dataclass(frozen=True, slots=True)
class Finding:
    """check: a stable name ("database.tables"). sentence: what is so, and what to do where that is needed."""

    check: str
    level: Level
    sentence: str


def ok(check: str, sentence: str) -> Finding:
    return Finding(check, Level.OK, sentence)


def note(check: str, sentence: str) -> Finding:
    return Finding(check, Level.NOTE, sentence)


def wrong(check: str, sentence: str) -> Finding:
    return Finding(check, Level.WRONG, sentence)
