"""How a value stands against a target. Pure.

A target is a value of its metric, or a relative change against a baseline. The metric's own direction says which side
of it is good. Green: the commitment is met. Amber: it is missed by at most ``NEAR`` of what is wanted. Red: by more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from tongpan.analytics.engine.calendar import Grain, first_day, following
from tongpan.analytics.engine.spec import Direction

NEAR = Decimal("0.1")
EACH_CHANNEL = "*"
"""The scope of a target that holds on every channel which has none of its own."""

State = Literal["met", "near", "missed", "unknown"]


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What somebody wants of a metric.

    scope: "" for the total, a channel's code, or EACH_CHANNEL. kind "value": commitment and stretch are values of the
    metric. "change": relative changes (0.2 is +20 %) against the baseline [baseline_from, baseline_to), or without days
    against the first whole period that has a value. period: what is judged. valid_to: exclusive, None for no end.
    """

    metric: str
    scope: str
    kind: Literal["value", "change"]
    period: Grain
    commitment: Decimal
    stretch: Decimal | None = None
    baseline_from: date | None = None
    baseline_to: date | None = None
    source: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    is_off: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """wanted, stretch: the values that commitment and stretch stand for; None without a baseline.

    attained: how much of the target is reached, 1 for all of it; None where nothing can be said.
    """

    state: State
    wanted: Decimal | None
    stretch: Decimal | None
    attained: Decimal | None
    is_stretch_met: bool = False


def judge(spec: TargetSpec, direction: Direction, value: Decimal | None, baseline: Decimal | None) -> Verdict:
    """How ``value`` stands against ``spec``; ``baseline`` is needed for a change alone."""
    wanted = _value_of(spec, spec.commitment, baseline)
    stretch = None if spec.stretch is None else _value_of(spec, spec.stretch, baseline)
    if value is None or wanted is None:
        return Verdict("unknown", wanted, stretch, None)
    sign = -1 if direction == "down" else 1
    if sign * (value - wanted) >= 0:
        state: State = "met"
    else:
        state = "near" if abs(value - wanted) <= NEAR * abs(wanted) else "missed"
    is_beyond = stretch is not None and sign * (value - stretch) >= 0
    return Verdict(state, wanted, stretch, _attained(spec, sign, value, wanted, baseline), is_beyond)


def _value_of(spec: TargetSpec, number: Decimal, baseline: Decimal | None) -> Decimal | None:
    if spec.kind == "value":
        return number
    return None if baseline is None else baseline * (1 + number)


def _attained(spec: TargetSpec, sign: int, value: Decimal, wanted: Decimal, baseline: Decimal | None) -> Decimal | None:
    if spec.kind == "change":
        if not spec.commitment or not baseline:
            return None
        return (value / baseline - 1) / spec.commitment
    if sign > 0:
        return value / wanted if wanted else None
    return wanted / value if value else None


def period_of(grain: Grain, day: date) -> tuple[date, date]:
    """[first, end) of the period that holds ``day``."""
    first = first_day(grain, day)
    return first, following(grain, first)


def last_period(grain: Grain, today: date) -> tuple[date, date]:
    """[first, end) of the last period that is over when ``today`` begins."""
    return period_of(grain, first_day(grain, today) - timedelta(days=1))


def problem_of(spec: TargetSpec, metrics: set[str], with_channel: set[str], channels: set[str]) -> str:
    """Why ``spec`` cannot be stored, or "". with_channel: the metrics that have the dimension channel."""
    if spec.metric not in metrics:
        return f"There is no metric {spec.metric!r}."
    if spec.scope and spec.metric not in with_channel:
        return f"Metric {spec.metric} is not known by channel; its target is of the total."
    if spec.scope not in ("", EACH_CHANNEL) and spec.scope not in channels:
        return f"There is no channel {spec.scope!r}."
    if (spec.baseline_from is None) != (spec.baseline_to is None):
        return "A baseline has a first day and a last day."
    if spec.baseline_from and spec.baseline_to and spec.baseline_from >= spec.baseline_to:
        return "The baseline holds no day: its first day lies behind its last."
    if spec.valid_from and spec.valid_to and spec.valid_from >= spec.valid_to:
        return "The target is valid on no day: its first day lies behind its last."
    if spec.kind == "change" and min(spec.commitment, spec.stretch or Decimal(0)) <= -1:
        return "A number cannot fall by 100 % or more."
    if max(abs(spec.commitment), abs(spec.stretch or Decimal(0))) >= 10**11:
        return "A target is a number below 100,000,000,000."
    return ""
