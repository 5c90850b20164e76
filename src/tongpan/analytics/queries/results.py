"""What an answered metric looks like, and how rows of the engine become one."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.calendar import label
from tongpan.analytics.engine.spec import Dimension, Metric, Text
from tongpan.analytics.lake.files import quote
from tongpan.analytics.lake.session import CATALOG, session
from tongpan.analytics.readers import LAKE
from tongpan.core.bulk import fetch_all
from tongpan.core.money import to_decimal

Value = str | int | float | None
READER = LAKE.name
# The head of the event log is looked at no more often than this.
FRESHNESS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the lake has read the event log.

    changed_at: when it last took something in, None for never. is_current: False while events wait to be read.
    """

    changed_at: datetime | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a metric.

    dimensions: key -> value, None where the rows have none (a charge has no SKU). value: a decimal string for
    money, an integer for a count, a float for a ratio, None where it is not defined. minor: money in minor units
    of ``currency``. numerator, denominator: what it was divided from, in minor units where they are amounts.
    """

    dimensions: Mapping[str, str | None]
    value: Value
    currency: str | None = None
    minor: int | None = None
    numerator: int | None = None
    denominator: int | None = None


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric, answered. currency: of every row, None when rows differ (each names its own) or have none.

    is_additive: whether the values may be added up over ``by``. sql: what was asked of the engine.
    """

    metric: Metric
    definition: Text
    settings: Mapping[str, str]
    by: tuple[str, ...]
    rows: Sequence[Row]
    unit: str
    currency: str | None
    is_additive: bool
    freshness: Freshness
    sql: str

    @property
    def value(self) -> Value:
        """The value of the only row; None when there are none or several."""
        return self.rows[0].value if len(self.rows) == 1 else None

    def as_json(self, language: str = "en") -> dict[str, Any]:
        """The stable JSON form of the command line and the API."""
        is_mixed = len({row.currency for row in self.rows if row.currency}) > 1
        return {
            "metric": self.metric.key,
            "name": self.metric.name.in_language(language),
            "definition": self.definition.in_language(language),
            "unit": self.unit,
            "currency": self.currency,
            "settings": dict(self.settings),
            "fresh": {
                "changed_at": self.freshness.changed_at.isoformat() if self.freshness.changed_at else None,
                "is_current": self.freshness.is_current,
            },
            "rows": [
                {
                    **row.dimensions,
                    **({"currency": row.currency} if is_mixed else {}),
                    "value": row.value,
                }
                for row in self.rows
            ],
        }


def row_of(
    metric: Metric, dimensions: Mapping[str, str | None], currency: str | None, top: int | None, base: int | None
) -> Row:
    """A row of ``metric`` from its numerator and denominator; None for a division by nothing."""
    if not metric.is_ratio and not metric.share_of:
        if metric.unit != "money":
            return Row(dimensions, top, numerator=top)
        if top is None or currency is None:
            return Row(dimensions, None, currency)
        return Row(dimensions, str(to_decimal(top, currency)), currency, top, top)
    # A stock that stood below nothing, because what left was booked before what came, is no base.
    if not base or (metric.unit == "times" and base < 0):
        return Row(dimensions, None, currency, None, top, base)
    upper = top or 0
    if metric.unit == "money":
        minor = divide_half_up(upper, base)
        value = None if currency is None else str(to_decimal(minor, currency))
        return Row(dimensions, value, currency, minor, upper, base)
    times, per = metric.scale
    ratio = upper * times / (base * per)
    least = ratio if metric.least is None else max(float(metric.least), ratio)
    return Row(dimensions, least, currency, None, upper, base)


def divide_half_up(numerator: int, denominator: int) -> int:
    """The quotient of integers rounded half away from zero; ``denominator`` is positive."""
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def shown(dimension: Dimension, value: Any) -> str | None:
    """A dimension's value as people and JSON read it."""
    if value is None or value == "":
        return None
    return label(dimension.grain, int(value)) if dimension.grain else str(value)


def labels(dimension_key: str, values: Sequence[str | None]) -> dict[str, Text]:
    """The names of ``values`` of a dimension in both languages; those without a name are left out."""
    dimension = catalogue().dimensions[dimension_key]
    wanted = sorted({value for value in values if value})
    if dimension.is_buyer_type:
        return {value: BUYER_TYPES[value] for value in wanted}
    lookup = dimension.lookup
    if lookup is None or not lookup.names or not wanted:
        return {}
    tests = [f"{lookup.value} IN ({', '.join(map(quote, wanted))})"]
    tests += [f"{column} = {quote(value)}" for column, value in lookup.where]
    zh, en = lookup.names
    rows = session().rows(
        f"SELECT DISTINCT {lookup.value}, {zh}, {en} FROM {CATALOG}.{lookup.table} "
        f"WHERE {' AND '.join(tests)} ORDER BY 1"
    )
    return {value: Text(name_zh, name_en) for value, name_zh, name_en in rows}


BUYER_TYPES = {
    "new": Text("新客", "New"),
    "returning": Text("老客", "Returning"),
    "anonymous": Text("匿名", "Anonymous"),
}


class _FreshnessCache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._known = Freshness(None, True)
        self._moved: datetime | None = None

    def get(self) -> Freshness:
        moved = fetch_all("SELECT moved_at FROM core_cursor WHERE reader = %s", [READER])
        moved_at = moved[0][0] if moved else None
        with self._lock:
            if moved_at == self._moved and time.monotonic() - self._looked_at < FRESHNESS_SECONDS:
                return self._known
        waiting = fetch_all(
            """SELECT EXISTS (SELECT FROM core_event
                 WHERE (tx, id) > (SELECT coalesce(max(tx), '0'::xid8), coalesce(max(event_id), 0)
                                   FROM core_cursor WHERE reader = %s) AND name = ANY(%s))""",
            [READER, list(LAKE.follows)],
        )[0][0]
        with self._lock:
            self._known = Freshness(moved_at, not waiting)
            self._moved, self._looked_at = moved_at, time.monotonic()
            return self._known


_freshness = _FreshnessCache()


def freshness() -> Freshness:
    """How far the lake has read the event log; looked up every two seconds at most, and when it moved."""
    return _freshness.get()
