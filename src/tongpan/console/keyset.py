"""Lists too long to be counted or leafed through by number: pages that begin behind a row, sums of what is filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict

from tongpan.console.lists import DEFAULT_SIZE, PAGE_SIZES, Column, Heading, headings, sort_of, whole, with_params

# What says where in the list one is, as opposed to what the list holds.
PLACE = ("page", "after", "before", "open")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks for. after, before: the row that the page begins behind, or ends before."""

    sort: str
    size: int
    after: int | None
    before: int | None


def wish_of(query: QueryDict, columns: Sequence[Column], default_sort: str) -> Wish:
    """``sort``, ``size``, ``after`` and ``before`` of the address; odd values count as none."""
    size = whole(query.get("size", ""), DEFAULT_SIZE)
    return Wish(
        sort_of(query, columns, default_sort),
        size if size in PAGE_SIZES else DEFAULT_SIZE,
        _row(query.get("after", "")),
        _row(query.get("before", "")),
    )


def _row(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """One page of such a list. query: filter and sort without the place; links: where to go from here, or ""."""

    rows: Sequence[Any]
    headings: list[Heading]
    size: int
    sort: str
    query: str
    links: dict[str, str]


def stretch(
    request: HttpRequest,
    columns: Sequence[Column],
    wish: Wish,
    rows: Sequence[Any],
    *,
    has_before: bool,
    has_after: bool,
) -> Stretch:
    """The page of ``rows`` (things with ``pk``) with the addresses around it."""
    query = placeless(request.GET)
    links = {
        "first": with_params(query) if has_before else "",
        "previous": with_params(query, before=rows[0].pk) if has_before and rows else "",
        "next": with_params(query, after=rows[-1].pk) if has_after and rows else "",
    }
    return Stretch(rows, headings(query, columns, wish.sort), wish.size, wish.sort, query.urlencode(), links)


def placeless(query: QueryDict) -> QueryDict:
    """``query`` without what says where in the list one is."""
    kept = query.copy()
    for name in PLACE:
        kept.pop(name, None)
    return kept
