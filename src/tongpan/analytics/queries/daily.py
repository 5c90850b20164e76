"""Readings of the running system that are kept by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tongpan.core.bulk import fetch_all


def daily_totals(names: Sequence[str], days: int) -> dict[date, dict[str, tuple[int, int]]]:
    """(number, base) over all channels by name, of the last ``days`` days that have any, oldest first."""
    rows = fetch_all(
        """SELECT v.day, v.name, v.number, v.base FROM analytics_dailyvalue v
           JOIN (SELECT DISTINCT day FROM analytics_dailyvalue WHERE name = ANY(%(names)s) AND channel_id IS NULL
                 ORDER BY 1 DESC LIMIT %(days)s) kept USING (day)
           WHERE v.name = ANY(%(names)s) AND v.channel_id IS NULL ORDER BY 1, 2""",
        {"names": list(names), "days": days},
    )
    found: dict[date, dict[str, tuple[int, int]]] = {}
    for day, name, number, base in rows:
        found.setdefault(day, {})[name] = (number, base)
    return found
