"""How demand goes on, and what to order for it. Pure; numbers of units are floats, for they are expectations.

Three methods follow the days of a SKU one by one, each the standard one for its kind of demand:

* ``level``: simple exponential smoothing (Brown 1959), for steady demand.
* ``weekday``: the same on demand from which the weekday is taken out by ratio, for demand with a weekly pattern.
* ``intermittent``: Croston (1972) with the correction of Syntetos and Boylan (2005), for units that go now and then.

All three forecast the seven days of each of the last weeks knowing only the days before them (rolling origin); the
one with the smallest mean squared error of a day is taken, which the true mean has, of equals the one named first. The
spread of the forecast is that of the errors of whole weeks. Days on which nothing was there to be bought say nothing
about demand: they are None and are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, Protocol

WEEK = 7
LEAST_DAYS = 28
"""Of fewer observed days nothing is forecast."""
TESTED_WEEKS = 8
_SMOOTHING = (0.05, 0.1, 0.2, 0.3)
_SHRINK_WEEKS = 4
_NORMAL = NormalDist()

MethodName = Literal["level", "weekday", "intermittent"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected units of the seven days from day ``begins`` on; later days repeat them by weekday.

    weekly_error: standard deviation of the error of a week. wape: Σ|error| ÷ Σ demand over the tested weeks, None
    when nothing was asked for in them. tested_weeks: how many weeks the method was tried on.
    """

    method: MethodName
    week: tuple[float, ...]
    weekly_error: float
    wape: float | None
    tested_weeks: int


class _Follower(Protocol):
    def see(self, weekday: int, units: float) -> None: ...
    def rate(self, weekday: int) -> float: ...


@dataclass(slots=True)
class _Level:
    smoothing: float
    level: float

    def see(self, weekday: int, units: float) -> None:
        self.level += self.smoothing * (units - self.level)

    def rate(self, weekday: int) -> float:
        return self.level


@dataclass(slots=True)
class _Weekday:
    """A weekday's ratio is its mean to the mean of all days, drawn towards 1 while few weeks were seen."""

    smoothing: float
    level: float
    sums: list[float] = field(default_factory=lambda: [0.0] * WEEK)
    days: list[int] = field(default_factory=lambda: [0] * WEEK)

    def see(self, weekday: int, units: float) -> None:
        self.level += self.smoothing * (units / self._ratio(weekday) - self.level)
        self.sums[weekday] += units
        self.days[weekday] += 1

    def rate(self, weekday: int) -> float:
        return self.level * self._ratio(weekday)

    def _ratio(self, weekday: int) -> float:
        mean = sum(self.sums) / max(1, sum(self.days))
        if mean <= 0:
            return 1.0
        drawn = _SHRINK_WEEKS * mean
        return max(0.05, (self.sums[weekday] + drawn) / (self.days[weekday] * mean + drawn))


@dataclass(slots=True)
class _Intermittent:
    smoothing: float
    size: float
    interval: float
    since: int = 1

    def see(self, weekday: int, units: float) -> None:
        if units <= 0:
            self.since += 1
            return
        self.size += self.smoothing * (units - self.size)
        self.interval += self.smoothing * (self.since - self.interval)
        self.since = 1

    def rate(self, weekday: int) -> float:
        # without demand for longer than the interval, the interval is at least that long
        return (1 - self.smoothing / 2) * self.size / max(self.interval, self.since)


def _followers(mean: float, share: float) -> list[tuple[MethodName, _Follower]]:
    """Every method with every smoothing, begun with what the first weeks were like.

    mean: units a day. share: of the days that anything was asked for on.
    """
    interval = 1 / max(share, 1 / LEAST_DAYS)
    return [
        *(("level", _Level(a, mean)) for a in _SMOOTHING),
        *(("weekday", _Weekday(a, mean)) for a in _SMOOTHING),
        *(("intermittent", _Intermittent(a, mean * interval, interval)) for a in _SMOOTHING[:2]),
    ]


def forecast(days: Sequence[int | None], first_weekday: int) -> Forecast | None:
    """The forecast of the seven days after ``days``, or None when fewer than ``LEAST_DAYS`` of them were observed.

    days: units asked for on each day, oldest first, None for a day without goods to be had. first_weekday: of the
    first day, 0 for Monday.
    """
    first = next((position for position, units in enumerate(days) if units is not None), len(days))
    days, first_weekday = days[first:], (first_weekday + first) % WEEK
    if sum(units is not None for units in days) < LEAST_DAYS:
        return None
    begun = [units for units in days[: 2 * WEEK] if units is not None]
    mean = sum(begun) / len(begun)
    share = sum(units > 0 for units in begun) / len(begun)
    weeks = min(TESTED_WEEKS, (len(days) - LEAST_DAYS // 2) // WEEK)
    origins = {len(days) - WEEK * back for back in range(1, weeks + 1)}
    tried = [_tried(name, one, days, first_weekday, origins) for name, one in _followers(mean, share)]
    return min(tried, key=lambda found: round(found[0], 9))[1]


def _tried(
    name: MethodName, follower: _Follower, days: Sequence[int | None], first_weekday: int, origins: set[int]
) -> tuple[float, Forecast]:
    """The mean squared error of a day over the weeks from ``origins``, and the forecast after the last day."""
    errors: list[float] = []
    squares, tested, asked = 0.0, 0, 0
    for position, units in enumerate(days):
        if position in origins:
            week = [
                (value, follower.rate((first_weekday + p) % WEEK))
                for p in range(position, position + WEEK)
                if (value := days[p]) is not None
            ]
            squares += sum((actual - expected) ** 2 for actual, expected in week)
            tested += len(week)
            asked += sum(actual for actual, _ in week)
            if week:
                errors.append(sum(actual - expected for actual, expected in week))
        if units is not None:
            follower.see((first_weekday + position) % WEEK, units)
    after = tuple(max(0.0, follower.rate((first_weekday + len(days) + d) % WEEK)) for d in range(WEEK))
    spread = math.sqrt(sum(e * e for e in errors) / len(errors)) if errors else 0.0
    total = sum(abs(e) for e in errors)
    made = Forecast(name, after, spread, total / asked if asked else None, len(errors))
    return (squares / tested if tested else math.inf), made


@dataclass(frozen=True, slots=True)
class Aims:
    """What stock is to do. lead_days: from ordering goods to having them. review_days: between two orders.
    service: the share of order cycles that are to end without a stock-out, from 0.5 up to 0.999. max_days: stock that
    the forecast does not use up within them is too much."""

    lead_days: int = 7
    review_days: int = 7
    service: float = 0.95
    max_days: int = 90


OutlookState = Literal["short", "order", "slow", "normal", "unknown"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of the stock of one SKU.

    short: it will be out before new goods could be there. order: fewer units are there and on order than the order
    point. slow: some of it will still be there after ``max_days``. unknown: too little history.
    expected: units asked for in lead and review time together. days_left: until free units are used up, None when
    nothing is asked for. order_point: expected + the safety stock. to_order: units missing to it. left_over: units
    still there after ``max_days``.
    """

    state: OutlookState
    expected: float
    days_left: float | None
    order_point: int
    to_order: int
    left_over: int


def outlook(made: Forecast | None, free: int, on_order: int, aims: Aims) -> Outlook:
    """Judge ``free`` units (≥ 0), with ``on_order`` units coming, against the forecast.

    Order point = expected demand of lead and review time + z · weekly error · √(days ÷ 7), z of the service level:
    the periodic-review order-up-to level of inventory theory (Silver, Pyke, Thomas 2017, chapter 7).
    """
    if made is None:
        return Outlook("unknown", 0.0, None, 0, 0, 0)
    days = aims.lead_days + aims.review_days
    expected = demand_of(made, days)
    safety = normal_quantile(aims.service) * made.weekly_error * math.sqrt(days / WEEK)
    point = math.ceil(expected + safety - 1e-9)
    to_order = max(0, point - free - on_order)
    left_over = max(0, math.floor(free - demand_of(made, aims.max_days) + 1e-9))
    lasts = days_of(made, free)
    state: OutlookState = "normal"
    if lasts is not None and lasts < aims.lead_days and to_order:
        state = "short"
    elif to_order:
        state = "order"
    elif left_over:
        state = "slow"
    return Outlook(state, expected, lasts, point, to_order, left_over)


def demand_of(made: Forecast, days: int) -> float:
    """Units expected in the next ``days`` days."""
    whole, rest = divmod(days, WEEK)
    return whole * sum(made.week) + sum(made.week[:rest])


def days_of(made: Forecast, units: int) -> float | None:
    """How many days ``units`` last, None when nothing is expected to be asked for."""
    weekly = sum(made.week)
    if weekly <= 1e-9:
        return None
    whole, left = divmod(units, weekly)
    days = whole * WEEK
    for rate in made.week:
        if rate >= left:
            return days + (left / rate if rate else 0.0)
        left -= rate
        days += 1
    return days


def normal_quantile(share: float) -> float:
    """z with P(Z ≤ z) = share for a standard normal Z; share within (0, 1)."""
    return _NORMAL.inv_cdf(share)
