"""What is asked of the catalogue, in the compiler's terms, and the choice of a measure that can answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tongpan.analytics.engine.spec import Condition, Dimension, Measure, Metric, supports
from tongpan.core.errors import Refusal

Key = int | str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A metric with a (setting, value) pair for each of its settings."""

    metric: Metric
    settings: tuple[tuple[str, str], ...]

    def value_of(self, setting: str) -> str:
        """The chosen value of the setting called ``setting``."""
        return dict(self.settings)[setting]

    def conditions(self) -> tuple[Condition, ...]:
        """What the settings demand of every row of a fact that has the column."""
        return tuple(
            condition
            for setting in self.metric.settings
            if (option := setting.option(self.value_of(setting.key))) is not None
            for condition in option.where
        )

    def facts_wanted(self) -> tuple[str, ...]:
        """The facts that a setting asks to measure, () when none does."""
        for setting in self.metric.settings:
            option = setting.option(self.value_of(setting.key))
            if option is not None and option.facts:
                return option.facts
        return ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose dimension is one of ``keys``: ids where the dimension is looked up late, else its own values."""

    dimension: Dimension
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Metrics over [day_from, day_to) by ``by``; an absent day means no bound.

    by_currency: amounts of several currencies may meet, so money is grouped by currency as well.
    history: [first, end) of the days that have orders: where windows end and periods begin without given days.
    order: "" by dimensions, "value" or "-value" for one metric.
    """

    chosen: tuple[Chosen, ...]
    by: tuple[Dimension, ...]
    history: tuple[date, date]
    day_from: date | None = None
    day_to: date | None = None
    filters: tuple[Filter, ...] = ()
    by_currency: bool = False
    order: str = ""
    limit: int | None = None

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Everything that rows are grouped or filtered by."""
        return (*self.by, *(f.dimension for f in self.filters))


def measure_for(chosen: Chosen, measures: tuple[Measure, ...], request: Request) -> Measure:
    """The first of equivalent ``measures`` that can be grouped and filtered as asked.

    Raises Refusal("metric.dimension") naming what is possible: a dimension outside the metric's list, or one that
    only a join that counts rows twice could give.
    """
    wanted = chosen.facts_wanted()
    usable = [measure for measure in measures if not wanted or measure.fact.name in wanted]
    allowed = set(chosen.metric.dimensions)
    if all(dimension.key in allowed for dimension in request.dimensions):
        for measure in usable:
            if supports(measure.fact, request.dimensions):
                return measure
    raise _impossible(chosen, usable, request)


def _impossible(chosen: Chosen, usable: list[Measure], request: Request) -> Refusal:
    by_key = {dimension.key: dimension for dimension in request.dimensions}
    bad = [
        key
        for key, dimension in by_key.items()
        if key not in chosen.metric.dimensions or not any(supports(measure.fact, [dimension]) for measure in usable)
    ]
    name = chosen.metric.key
    if not bad:
        return Refusal(
            "metric.dimension",
            f"Metric {name} cannot be grouped by {', '.join(by_key)} together without counting rows twice.",
        )
    hint = ""
    for setting in chosen.metric.settings:
        if any(option.facts for option in setting.options):
            choices = ", ".join(option.value for option in setting.options)
            hint = f" Its setting {setting.key} ({choices}) decides which; it is {chosen.value_of(setting.key)}."
    return Refusal(
        "metric.dimension",
        f"Metric {name} cannot be grouped or filtered by {', '.join(bad)}; "
        f"its dimensions are {', '.join(chosen.metric.dimensions)}.{hint}",
    )
