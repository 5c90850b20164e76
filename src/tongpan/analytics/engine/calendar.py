"""Calendar keys as the lake stores them, how people write them, and the periods between two days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from tongpan.core.clock import DEFAULT_ZONE, zone

Grain = Literal["day", "week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = ("day", "week", "month", "quarter", "year")

_PATTERNS: dict[Grain, str] = {
    "day": r"(\d{4})-(\d{2})-(\d{2})",
    "week": r"(\d{4})-W(\d{2})",
    "month": r"(\d{4})-(\d{2})",
    "quarter": r"(\d{4})-Q([1-4])",
    "year": r"(\d{4})",
}
EXAMPLES: dict[Grain, str] = {
    "day": "2026-11-18",
    "week": "2026-W47",
    "month": "2026-11",
    "quarter": "2026-Q4",
    "year": "2026",
}


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a grain; [first, end) are its calendar days."""

    key: int
    first: date
    end: date


def key_of(grain: Grain, day: date) -> int:
    """The lake's integer key of the period that holds ``day``: 20261118, 202647, 202611, 20264, 2026."""
    if grain == "day":
        return day.year * 10000 + day.month * 100 + day.day
    if grain == "week":
        year, week, _ = day.isocalendar()
        return year * 100 + week
    if grain == "month":
        return day.year * 100 + day.month
    if grain == "quarter":
        return day.year * 10 + (day.month + 2) // 3
    return day.year


def label(grain: Grain, key: int) -> str:
    """The key as people write it, sortable as text: "2026-11-18", "2026-W47", "2026-11", "2026-Q4", "2026"."""
    if grain == "day":
        return f"{key // 10000:04d}-{key // 100 % 100:02d}-{key % 100:02d}"
    if grain == "week":
        return f"{key // 100:04d}-W{key % 100:02d}"
    if grain == "month":
        return f"{key // 100:04d}-{key % 100:02d}"
    if grain == "quarter":
        return f"{key // 10:04d}-Q{key % 10}"
    return f"{key:04d}"


def parse(grain: Grain, text: str) -> int:
    """The key of a period written as ``label`` writes it. Raises ValueError for anything else."""
    match = re.fullmatch(_PATTERNS[grain], text)
    if match is None:
        raise ValueError(f"{text!r} is not a {grain}; write it as {EXAMPLES[grain]}.")
    numbers = [int(part) for part in match.groups()]
    if grain == "day":
        return key_of(grain, date(*numbers))
    if grain == "week":
        return key_of(grain, date.fromisocalendar(numbers[0], numbers[1], 1))
    if grain == "month":
        return key_of(grain, date(numbers[0], numbers[1], 1))
    return numbers[0] * 10 + numbers[1] if grain == "quarter" else numbers[0]


def first_day(grain: Grain, day: date) -> date:
    """The first day of the period that holds ``day``."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1) if grain == "year" else day


def following(grain: Grain, first: date) -> date:
    """The first day of the period after the one that begins on ``first``."""
    if grain == "day":
        return first + timedelta(days=1)
    if grain == "week":
        return first + timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[grain]
    return add_months(first, months)


def add_months(first: date, months: int) -> date:
    """The first day of a month, ``months`` later (or earlier); ``first`` must be the first of its month."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def periods(grain: Grain, day_from: date, day_to: date) -> list[Period]:
    """Every period of ``grain`` that touches [day_from, day_to), in order; whole, not cut to the range."""
    found = []
    first = first_day(grain, day_from)
    while first < day_to:
        end = following(grain, first)
        found.append(Period(key_of(grain, first), first, end))
        first = end
    return found


def second_of(day: date) -> int:
    """The instant at which ``day`` begins where the platform is at home, in seconds since 2010 began in UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone(DEFAULT_ZONE)).timestamp()) - 1262304000


def previous_range(day_from: date, day_to: date) -> tuple[date, date]:
    """The range to compare [day_from, day_to) with: as many whole months before whole months, else as many days."""
    if day_from.day == 1 and day_to.day == 1 and day_from < day_to:
        months = (day_to.year - day_from.year) * 12 + day_to.month - day_from.month
        return add_months(day_from, -months), day_from
    return day_from - (day_to - day_from), day_from
