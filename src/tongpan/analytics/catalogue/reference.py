"""The reference page of the catalogue. Write it anew after a change of the catalogue:

python -m tongpan.analytics.catalogue.reference docs/reference/metrics.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.calendar import EXAMPLES
from tongpan.analytics.engine.spec import Dimension, Metric, Setting

_INTRODUCTION = """# Metrics

This page is generated from the catalogue (`src/tongpan/analytics/catalogue/*.yaml`); do not edit it.

Every number that Tongpan shows is one of these metrics. Days are business days in the zone of the channel. Money is
never added over currencies: when a result would mix them, each row is of one currency and names it. A ratio is its
numerator and its denominator added up apart and divided once; where there is nothing to divide by it is *not defined*
(`null` in JSON), never 0. Settings are chosen per question (`tongpan metrics KEY --set NAME=VALUE`) or for the whole
platform (`metrics.NAME` in the settings table). Ask with `tongpan metrics KEY --by DIMENSION,DIMENSION --from DATE
--to DATE`; both days are included. Over the API and in Python ranges are half-open.
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    found = catalogue()
    yield _INTRODUCTION
    for metric in found.metrics.values():
        yield from _metric(metric)
    yield "## Settings"
    yield ""
    for setting in found.settings.values():
        yield from _setting(setting)
    yield "## Dimensions"
    yield ""
    yield "| Key | Name | Values |"
    yield "|---|---|---|"
    for dimension in found.dimensions.values():
        yield f"| `{dimension.key}` | {dimension.name.en} {dimension.name.zh} | {_values(dimension)} |"
    yield ""


def _metric(metric: Metric) -> Iterator[str]:
    yield f"## `{metric.key}` — {metric.name.en} {metric.name.zh}"
    yield ""
    yield f"{metric.formula.en[0].upper()}{metric.formula.en[1:]}."
    yield ""
    yield f"{metric.formula.zh}。"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| Unit | {metric.unit}; {_direction(metric)} |"
    if metric.base:
        yield f"| Base (100 %) | {metric.base.en} {metric.base.zh} |"
    yield f"| Adds up over groups | {_additivity(metric)} |"
    yield f"| Measured on | {', '.join(dict.fromkeys(m.fact.name for m in (*metric.numerator, *metric.denominator)))} |"
    yield f"| Dimensions | {', '.join(f'`{key}`' for key in metric.dimensions)} |"
    yield f"| Settings | {', '.join(f'`{s.key}` = `{s.default}`' for s in metric.settings) or 'none'} |"
    for target in metric.targets:
        yield f"| Default target | {target.text.en} {target.text.zh} ({target.source}) |"
    yield f"| KPI | {', '.join(metric.kpis)} |"
    yield f"| Fresh | {metric.freshness.en} |"
    yield ""


def _direction(metric: Metric) -> str:
    return {"up": "more is better", "down": "less is better", "neutral": "neither is better"}[metric.direction]


def _additivity(metric: Metric) -> str:
    if not metric.is_additive:
        return "no"
    if any(measure.aggregate == "distinct" for measure in metric.numerator):
        return "yes; not over goods, where one order is in several groups"
    return "yes"


def _setting(setting: Setting) -> Iterator[str]:
    yield f"### `{setting.key}` — {setting.name.en} {setting.name.zh}"
    yield ""
    for option in setting.options:
        default = " (default)" if option.value == setting.default else ""
        yield f"- `{option.value}`{default}: {option.text.en} {option.text.zh}"
    if setting.is_days:
        yield f"- a number of days from 1 to 3660 (default `{setting.default}`)"
    yield ""


def _values(dimension: Dimension) -> str:
    if dimension.grain:
        return f"as `{EXAMPLES[dimension.grain]}`"
    if dimension.is_buyer_type:
        return "`new` (the first order ever), `returning`, `anonymous`"
    if dimension.key == "method":
        return "`ship`, `pickup`, `instant`, `dealer`"
    if dimension.key == "nature":
        return "`quality`, `other`"
    if dimension.key == "reason":
        return "codes of the return policy"
    if dimension.lookup is None:
        return "of the place that the goods go to"
    return f"`{dimension.lookup.value}` of `{dimension.lookup.table}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), encoding="utf-8")
