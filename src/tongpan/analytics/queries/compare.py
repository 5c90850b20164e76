"""A number beside the one of the period before, and a number over time without gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.calendar import Grain, label, periods, previous_range
from tongpan.analytics.queries.ask import Filters, metric, metrics_many, profile
from tongpan.analytics.queries.results import MetricResult, Row, Value
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal

Judgement = Literal["better", "worse", "same", "unknown"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric in a period and in the period before it, [previous_from, previous_to).

    change: (now − before) ÷ before, for a ratio the difference of the two; None where either is not defined.
    judgement: what the change means in the metric's own direction.
    """

    now: MetricResult
    before: MetricResult
    previous_from: date
    previous_to: date
    change: float | None
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a series. is_complete: the lake has a later day, or the range goes on; the last may grow."""

    period: str
    value: Value
    minor: int | None
    is_complete: bool


def compare(
    keys: Sequence[str],
    *,
    date_from: date,
    date_to: date,
    filters: Filters | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, Comparison]:
    """Several metrics over [date_from, date_to) and over the period of the same length before it, by key.

    Whole months are compared with as many whole months. A metric whose share has a dimension, or money in several
    currencies, has no single number and is refused. Raises Refusal metric.*.
    """
    previous_from, previous_to = previous_range(date_from, date_to)
    now = metrics_many(keys, date_from=date_from, date_to=date_to, filters=filters, settings=settings)
    before = metrics_many(keys, date_from=previous_from, date_to=previous_to, filters=filters, settings=settings)
    found = {}
    for key in keys:
        if catalogue().metrics[key].share_of:
            raise Refusal("metric.comparison", f"Metric {key} has a value per group; compare the groups.")
        change = _change(now[key], before[key])
        found[key] = Comparison(now[key], before[key], previous_from, previous_to, change, _judge(now[key], change))
    return found


def series(
    key: str,
    grain: Grain,
    *,
    date_from: date,
    date_to: date,
    by: Sequence[str] = (),
    filters: Filters | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[tuple[str | None, ...], list[Point]]:
    """One metric by every period of ``grain`` in [date_from, date_to), for each group of ``by`` (() for none).

    A period without rows is 0 for sums and counts and not defined for ratios. Money in several currencies makes a
    series per currency, which then is the last part of the group. Raises Refusal metric.*.
    """
    result = metric(key, by=(*by, grain), date_from=date_from, date_to=date_to, filters=filters, settings=settings)
    groups: dict[tuple[str | None, ...], dict[str | None, Row]] = {}
    is_mixed = len({row.currency for row in result.rows if row.currency}) > 1
    for row in result.rows:
        group = tuple(row.dimensions[name] for name in result.by if name != grain)
        if is_mixed:
            group = (*group, row.currency)
        groups.setdefault(group, {})[row.dimensions[grain]] = row
    if not groups and not by:
        groups[()] = {}
    history = profile().history
    spine = periods(grain, date_from, date_to)
    return {
        group: [
            _point(
                result,
                label(grain, period.key),
                found,
                bool(history and min(period.end, date_to) < history[1]),
            )
            for period in spine
        ]
        for group, found in groups.items()
    }


def _point(result: MetricResult, period: str, rows: Mapping[str | None, Row], is_complete: bool) -> Point:
    row = rows.get(period)
    if row is not None:
        return Point(period, row.value, row.minor, is_complete)
    if result.metric.is_ratio or result.metric.share_of:
        return Point(period, None, None, is_complete)
    if result.metric.unit != "money":
        return Point(period, 0, None, is_complete)
    currency = next((row.currency for row in rows.values()), result.currency)
    if currency is None:
        return Point(period, None, None, is_complete)
    return Point(period, str(to_decimal(0, currency)), 0, is_complete)


def _number(result: MetricResult) -> float | None:
    if len(result.rows) != 1:
        return None
    row = result.rows[0]
    if row.minor is not None:
        return float(row.minor)
    return float(row.value) if isinstance(row.value, int | float) else None


def _change(now: MetricResult, before: MetricResult) -> float | None:
    current, previous = _number(now), _number(before)
    if current is None or previous is None:
        return None
    if now.metric.unit == "percent":
        return current - previous
    return None if previous == 0 else (current - previous) / previous


def _judge(result: MetricResult, change: float | None) -> Judgement:
    if change is None or result.metric.direction == "neutral":
        return "unknown"
    if change == 0:
        return "same"
    return "better" if (change > 0) == (result.metric.direction == "up") else "worse"
