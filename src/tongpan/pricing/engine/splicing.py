"""Validity of prices over time: what becomes of the entries of one (list, SKU, min_qty) when prices are put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """An entry as it stands: ``[start, end)``; None is open at that side."""

    id: int
    amount_minor: int
    start: datetime | None
    end: datetime | None


class Piece(NamedTuple):
    """A price to be in force in ``[start, end)``; amount None: none. source: the row that asks for it, or None when
    it goes on with what was in force before."""

    amount_minor: int | None
    start: datetime
    end: datetime | None
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Splice:
    """What to do: entries to end at an instant (None: withdrawn, they never counted), and pieces to add."""

    ends: dict[int, datetime | None]
    adds: list[Piece]


def overlap(start: datetime, end: datetime | None, other_start: datetime, other_end: datetime | None) -> bool:
    """Whether two half-open ranges have a moment in common."""
    return (end is None or other_start < end) and (other_end is None or start < other_end)


def splice(spans: Sequence[Span], pieces: Sequence[Piece]) -> Splice:
    """Put ``pieces``, which do not overlap each other, into ``spans``, which do not either.

    A span is cut where a piece begins. What is left of it behind the piece goes on as an entry of its own with the
    same price: an entry is ended, never moved.
    """
    ends: dict[int, datetime | None] = {}
    adds = [piece for piece in pieces if piece.amount_minor is not None]
    ordered = sorted(pieces, key=lambda piece: piece.start)
    for span in spans:
        cuts = [p for p in ordered if _meets(span, p)]
        if not cuts:
            continue
        first = cuts[0].start
        ends[span.id] = first if span.start is None or span.start < first else None
        for here, following in zip(cuts, [*cuts[1:], None], strict=True):
            if here.end is None:
                break
            until = span.end if following is None else following.start
            if until is None or here.end < until:
                adds.append(Piece(span.amount_minor, here.end, until))
    return Splice(ends, sorted(adds, key=lambda piece: piece.start))


def _meets(span: Span, piece: Piece) -> bool:
    return (span.end is None or piece.start < span.end) and (
        piece.end is None or span.start is None or span.start < piece.end
    )


def amount_at(spans: Sequence[Span], at: datetime) -> int | None:
    """The price in force at ``at``."""
    for span in spans:
        if (span.start is None or span.start <= at) and (span.end is None or at < span.end):
            return span.amount_minor
    return None


def holds(spans: Sequence[Span], piece: Piece) -> bool:
    """Whether exactly what ``piece`` asks for is in force already, all of its time."""
    met = sorted((s for s in spans if _meets(s, piece)), key=lambda s: (s.start is not None, s.start))
    if piece.amount_minor is None:
        return not met
    if not met or any(span.amount_minor != piece.amount_minor for span in met):
        return False
    if met[0].start is not None and met[0].start > piece.start:
        return False
    if any(before.end != after.start for before, after in pairwise(met)):
        return False
    return met[-1].end is None or (piece.end is not None and met[-1].end >= piece.end)
