"""What facts, dimensions, settings and metrics are. The catalogue's YAML is read into these and checked here.

A metric never says how it is computed in SQL: it names facts, columns and conditions, and the compiler does the
rest. Several measures of one metric are equivalents at different grains; the first that has all the dimensions
asked for is used, so a number never comes from a join that would count a row twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tongpan.analytics.engine.calendar import GRAINS, Grain

Unit = Literal["money", "count", "percent", "hours", "times", "rate"]
Direction = Literal["up", "down", "neutral"]
Aggregate = Literal["sum", "count", "distinct"]
TargetKind = Literal["", "value", "change"]
Derivation = Literal["", "first", "window", "held"]


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in Chinese and English."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Fact:
    """Rows that can be measured.

    derivation "": a table of the lake. "first": of each ``per`` only the row with the lowest ``rank``, whatever
    the period. "window": one row per ``per`` and group with ``orders_in_window``, the rows of the days before
    the end of the period. "held": the rows are changes of a stock, and what is summed is the stock that stood in
    the period, in units × seconds. through: a table that says by node which channels each row counts for, "" for none.
    key: what a drill-through lists. columns: of the table, or with those of ``through``.
    """

    name: str
    table: str
    key: str
    document: str
    columns: frozenset[str]
    derivation: Derivation = ""
    per: str = ""
    rank: str = ""
    through: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A dimension table joined many-to-one: ``column`` of the fact equals ``key``, which is unique in ``table``
    (together with the ``where`` constants)."""

    table: str
    key: str
    value: str
    names: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to group and filter.

    column: the fact column it needs. grain: set for calendar dimensions. lookup: where its value comes from, when
    not from the column itself. is_late: groups by the column and looks the value up afterwards; right when every
    value stands for one key. is_buyer_type: the one dimension that compares an order with the buyer's first.
    """

    key: str
    name: Text
    column: str
    grain: Grain | None = None
    lookup: Lookup | None = None
    is_late: bool = False
    is_buyer_type: bool = False

    def needs(self) -> frozenset[str]:
        """The columns that a fact must have."""
        return frozenset({self.column, "placed_rank"}) if self.is_buyer_type else frozenset({self.column})


@dataclass(frozen=True, slots=True)
class Condition:
    """``column`` must be set, be one value, or be at least a number."""

    column: str
    equals: str | bool | None = None
    at_least: int | None = None
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate over one fact. is_negated: the fact books the amount with the other sign."""

    fact: Fact
    aggregate: Aggregate
    column: str = ""
    where: tuple[Condition, ...] = ()
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a setting: the rows it keeps, where a fact has the column; the facts that it measures."""

    value: str
    text: Text
    where: tuple[Condition, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """A choice inside a definition. An ``is_days`` setting also takes any number of days from 1 to 3660.

    rule: (key, field) of the stored rules of another room that decide it for the whole platform, () for none.
    """

    key: str
    name: Text
    default: str
    options: tuple[Option, ...]
    is_days: bool = False
    rule: tuple[str, ...] = ()

    def option(self, value: str) -> Option | None:
        """The option called ``value``, a number of days included; None when there is none."""
        for option in self.options:
            if option.value == value:
                return option
        if self.is_days and value.isdecimal() and 1 <= int(value) <= 3660:
            return Option(value, Text(f"期末前 {int(value)} 天", f"the {int(value)} days before the period's end"))
        return None


@dataclass(frozen=True, slots=True)
class Target:
    """A default target as a source plan names it: to start from, not a rule.

    kind "value" or "change" (against a baseline) with a number makes it a target that is followed until another is
    stored; "" is words alone. period: what is judged. commitment, stretch: as ``analytics.models.Target``. on_channels:
    it holds for each channel too.
    """

    text: Text
    source: str
    kind: TargetKind = ""
    period: Grain = "month"
    commitment: Decimal = Decimal(0)
    stretch: Decimal | None = None
    on_channels: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of the catalogue.

    numerator: equivalents for the number itself, or for the upper part of a ratio. denominator: equivalents for
    the lower part, empty when it is no ratio. share_of: the dimension whose total is the base, "" for none.
    additivity: whether values of different groups may be added. base: what 100 % is, in words. scale: (a, b), a ratio
    is multiplied by a ÷ b. least: a smaller value is shown as this one.
    """

    key: str
    name: Text
    formula: Text
    unit: Unit
    direction: Direction
    is_additive: bool
    numerator: tuple[Measure, ...]
    denominator: tuple[Measure, ...]
    dimensions: tuple[str, ...]
    settings: tuple[Setting, ...]
    targets: tuple[Target, ...]
    kpis: tuple[str, ...]
    freshness: Text
    base: Text | None = None
    share_of: str = ""
    scale: tuple[int, int] = (1, 1)
    least: int | None = None

    @property
    def is_ratio(self) -> bool:
        return bool(self.denominator)

    @property
    def is_money_based(self) -> bool:
        """Its parts are amounts, so amounts of different currencies must not meet in it."""
        return self.unit == "money" or any(
            measure.column.endswith("_minor") for measure in (*self.numerator, *self.denominator)
        )

    @property
    def has_window(self) -> bool:
        return any(measure.fact.derivation == "window" for measure in self.numerator)

    def as_json(self, language: str) -> dict[str, object]:
        """The catalogue's entry as plain data."""
        return {
            "key": self.key,
            "name": self.name.in_language(language),
            "formula": self.formula.in_language(language),
            "base": self.base.in_language(language) if self.base else None,
            "unit": self.unit,
            "direction": self.direction,
            "is_additive": self.is_additive,
            "dimensions": list(self.dimensions),
            "settings": {
                setting.key: {"default": setting.default, "options": [o.value for o in setting.options]}
                for setting in self.settings
            },
            "targets": [{"text": t.text.in_language(language), "source": t.source} for t in self.targets],
            "kpis": list(self.kpis),
            "freshness": self.freshness.in_language(language),
        }

    def definition(self, chosen: Mapping[str, str]) -> Text:
        """The formula with the chosen settings, as one sentence in each language."""
        zh, en = self.formula.zh, self.formula.en
        for setting in self.settings:
            option = setting.option(chosen[setting.key])
            if option is not None:
                zh += f"；{setting.name.zh}：{option.text.zh}"
                en += f"; {setting.name.en}: {option.text.en}"
        return Text(zh + "。", en + ".")


@dataclass(frozen=True, slots=True)
class Catalogue:
    facts: Mapping[str, Fact]
    dimensions: Mapping[str, Dimension]
    settings: Mapping[str, Setting]
    metrics: Mapping[str, Metric]


def problems_of(catalogue: Catalogue) -> list[str]:
    """What is wrong with a catalogue, a sentence each; empty when it is sound."""
    found = (
        problem
        for metric in catalogue.metrics.values()
        for problem in (*_measure_problems(metric), *_dimension_problems(metric, catalogue))
    )
    return list(dict.fromkeys(found))


def supports(fact: Fact, dimensions: Sequence[Dimension]) -> bool:
    """True when ``fact`` can be grouped by all ``dimensions`` without joining anything that multiplies rows."""
    return all(dimension.needs() <= fact.columns for dimension in dimensions)


def _measure_problems(metric: Metric) -> list[str]:
    found = []
    for measure in (*metric.numerator, *metric.denominator):
        named = [measure.column] if measure.column else []
        window = {"orders_in_window"} if measure.fact.derivation == "window" else set()
        for column in (*named, *(condition.column for condition in measure.where)):
            if column not in measure.fact.columns | window:
                found.append(f"{metric.key}: fact {measure.fact.name} has no column {column}.")
        if (measure.aggregate == "count") == bool(measure.column):
            found.append(f"{metric.key}: a sum or distinct count names a column, a count does not.")
        if metric.unit == "money" and not metric.is_ratio and not measure.column.endswith("_minor"):
            found.append(f"{metric.key}: money must be summed from a column of minor units.")
        if metric.is_additive and measure.aggregate == "distinct" and measure is metric.numerator[0]:
            found.append(f"{metric.key}: a distinct count cannot be additive.")
    if metric.is_additive and (metric.is_ratio or metric.share_of):
        found.append(f"{metric.key}: a ratio cannot be additive.")
    return found


def _dimension_problems(metric: Metric, catalogue: Catalogue) -> list[str]:
    found = []
    for key in metric.dimensions:
        if key not in catalogue.dimensions:
            found.append(f"{metric.key}: there is no dimension {key}.")
            continue
        dimension = catalogue.dimensions[key]
        for part in (metric.numerator, metric.denominator):
            if part and not any(supports(measure.fact, [dimension]) for measure in part):
                found.append(f"{metric.key}: no measure can be grouped by {key} without counting rows twice.")
    if metric.share_of and metric.share_of not in metric.dimensions:
        found.append(f"{metric.key}: it is a share of {metric.share_of}, which is not among its dimensions.")
    return found


def grains_among(dimensions: Sequence[Dimension]) -> list[Grain]:
    """The calendar grains among ``dimensions``, finest first."""
    wanted = {dimension.grain for dimension in dimensions if dimension.grain}
    return [grain for grain in GRAINS if grain in wanted]
