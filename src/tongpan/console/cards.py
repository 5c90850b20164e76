"""Key figures with their comparisons, and charts: what the templates draw, free of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise

from tongpan.console import formats

Text = str | Promise
# A change smaller than this is shown as level.
_LEVEL = Decimal("0.0005")


@dataclass(frozen=True, slots=True)
class Delta:
    """A change against another period. tone: "good", "bad" or "flat"; direction: "up", "down" or ""."""

    label: Text
    text: str
    tone: str
    direction: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """One key figure. value is formatted; the definition comes from the metric catalogue; note: of what part."""

    key: str
    label: Text
    value: str
    definition: Text = ""
    note: Text = ""
    fresh_at: datetime | None = None
    deltas: Sequence[Delta] = ()
    is_simulated: bool = False
    href: str = ""
    spark: Chart | None = None


def delta(
    label: Text,
    now: Decimal | int | None,
    before: Decimal | int | None,
    *,
    more_is_good: bool | None = True,
    in_points: bool = False,
) -> Delta:
    """The change from ``before`` to ``now`` as a Delta.

    in_points: the figures are shares, and the change is told in percentage points. more_is_good None: a change
    is neither good nor bad. Without a figure to compare with, or with zero, the text is a dash.
    """
    if now is None or before is None or (before == 0 and not in_points):
        return Delta(label, formats.NOTHING, "flat", "")
    change = Decimal(now) - Decimal(before)
    ratio = change if in_points else change / abs(Decimal(before))
    if abs(ratio) < _LEVEL:
        return Delta(label, "0.0 pp" if in_points else "0.0%", "flat", "")
    sign = "+" if ratio > 0 else formats.MINUS
    text = f"{sign}{abs(ratio) * 100:,.1f}{' pp' if in_points else '%'}"
    tone = "flat" if more_is_good is None else "good" if (ratio > 0) == more_is_good else "bad"
    return Delta(label, text, tone, "up" if ratio > 0 else "down")


@dataclass(frozen=True, slots=True)
class Unit:
    """How the numbers of a chart are written: kind "money", "percent" or "number"."""

    kind: str = "number"
    currency: str = ""
    digits: int = 0

    def text(self, value: Decimal | int | None) -> str:
        if value is None:
            return formats.NOTHING
        if self.kind == "percent":
            return formats.percent(Decimal(value), self.digits)
        written = formats.number(Decimal(value), self.digits)
        return f"{written} {self.currency}" if self.kind == "money" else written


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and the same figures as a table, for those who do not see it.

    option: ECharts options without colours, fonts and number formats, which charts.js adds.
    """

    key: str
    title: Text
    kind: str
    option: dict[str, Any]
    unit: Unit
    table_head: Sequence[Text] = ()
    table_rows: Sequence[Sequence[str]] = ()
    height: int = 300
    pointer: str = "line"

    @property
    def spec(self) -> dict[str, Any]:
        """The JSON that charts.js reads."""
        unit = {"kind": self.unit.kind, "currency": self.unit.currency, "digits": self.unit.digits}
        return {"kind": self.kind, "option": self.option, "unit": unit, "pointer": self.pointer}


@dataclass(frozen=True, slots=True)
class Series:
    """One line or bar set. values: one for each category, None where there is none."""

    name: str
    values: Sequence[Decimal | int | None]
    extra: dict[str, Any] = field(default_factory=dict)


def _plain(values: Sequence[Decimal | int | None]) -> list[float | int | None]:
    """Numbers for drawing only; the table keeps the exact ones."""
    return [float(value) if isinstance(value, Decimal) else value for value in values]


def _table(
    first: Text, categories: Sequence[str], series: Sequence[Series], unit: Unit
) -> tuple[list[Text], list[list[str]]]:
    head: list[Text] = [first, *(one.name for one in series)]
    rows = [
        [category, *(unit.text(one.values[position]) for one in series)] for position, category in enumerate(categories)
    ]
    return head, rows


def over_time(
    key: str,
    title: Text,
    *,
    axis_title: Text,
    categories: Sequence[str],
    series: Sequence[Series],
    unit: Unit,
    stacked: bool = False,
    height: int = 300,
) -> Chart:
    """Lines over time, or stacked bars when the series are parts of a whole."""
    head, rows = _table(axis_title, categories, series, unit)
    drawn = [
        {"type": "bar", "stack": "all"} | {"name": one.name, "data": _plain(one.values)} | one.extra
        if stacked
        else {"type": "line", "name": one.name, "data": _plain(one.values)} | one.extra
        for one in series
    ]
    option: dict[str, Any] = {
        "xAxis": {"type": "category", "data": list(categories), "boundaryGap": stacked},
        "yAxis": {"type": "value"},
        "series": drawn,
    }
    if len(series) > 1:
        option["legend"] = {}
    return Chart(key, title, "time", option, unit, head, rows, height, "shadow" if stacked else "line")


def ranking(
    key: str,
    title: Text,
    *,
    axis_title: Text,
    names: Sequence[str],
    one: Series,
    unit: Unit,
    links: Sequence[str] = (),
    height: int = 300,
) -> Chart:
    """Horizontal bars, the greatest on top; ``links`` make the bars clickable."""
    head, rows = _table(axis_title, names, [one], unit)
    data = [
        {"value": value, "link": links[position]} if links else {"value": value}
        for position, value in enumerate(_plain(one.values))
    ]
    option = {
        "grid": {"right": 56, "top": 4},
        "xAxis": {"type": "value", "axisLabel": {"show": False}, "splitLine": {"show": False}},
        "yAxis": {"type": "category", "data": list(names), "inverse": True},
        "series": [{"type": "bar", "name": one.name, "data": data, "label": {"show": True, "position": "right"}}],
    }
    return Chart(key, title, "hbar", option, unit, head, rows, height, "shadow")


def funnel(
    key: str, title: Text, axis_title: Text, steps: Sequence[tuple[str, int, str]], unit: Unit, *, height: int = 260
) -> Chart:
    """steps: (name, value, note) from the widest to the narrowest; the note is the rate from the step before.

    Bars on tracks of the full width: lengths compare better than the slopes of a cone.
    """
    data = [{"value": value, "note": note} for _name, value, note in steps]
    widest = max((value for _name, value, _note in steps), default=0)
    option = {
        "grid": {"left": 4, "right": 116, "top": 0, "bottom": 0},
        "xAxis": {"type": "value", "show": False, "max": widest or 1},
        "yAxis": {"type": "category", "data": [name for name, _value, _note in steps], "inverse": True},
        "series": [{"type": "bar", "name": str(title), "data": data, "label": {"show": True, "position": "right"}}],
    }
    rows = [[name, unit.text(value), note] for name, value, note in steps]
    return Chart(key, title, "funnel", option, unit, [axis_title, "", ""], rows, height, "shadow")


def spark(key: str, title: Text, values: Sequence[Decimal | int | None], unit: Unit) -> Chart:
    """A line without axes for a key-figure card."""
    option = {
        "tooltip": False,
        "grid": {"left": 0, "right": 0, "top": 3, "bottom": 3},
        "xAxis": {"type": "category", "show": False, "boundaryGap": False, "data": list(range(len(values)))},
        "yAxis": {"type": "value", "show": False, "scale": True},
        "series": [
            {
                "type": "line",
                "data": _plain(values),
                "showSymbol": False,
                "areaStyle": {"opacity": 0.12},
                "silent": True,
            }
        ],
    }
    return Chart(key, title, "spark", option, unit, height=34)
