"""How a table of the lake is described."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

SCHEMA_VERSION = 3
WHOLE = "all"
"""The only partition of a dimension."""

Grain = Literal["day", "month", "all"]

CALENDAR: dict[str, tuple[str, str]] = {
    "day": ("INTEGER", "year(d) * 10000 + month(d) * 100 + day(d)"),
    "iso_week": ("INTEGER", "isoyear(d) * 100 + weekofyear(d)"),
    "month": ("INTEGER", "year(d) * 100 + month(d)"),
    "quarter": ("INTEGER", "year(d) * 10 + quarter(d)"),
    "year": ("INTEGER", "year(d)"),
}
"""Calendar key -> (type, DuckDB expression over the business day ``d``)."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the lake.

    select: PostgreSQL SELECT of ``raw``; ``{days}`` becomes a test of the days, ``{day_list}`` their array.
    raw: the columns as they come, name -> DuckDB type. derived: further columns, name -> (type, expression over
    ``raw`` and the joined columns). joined: columns taken from the staged ``orders`` of the same days, by order_id.
    order_by: a unique key, so that the same rows always make the same file.
    """

    name: str
    grain: Grain
    raw: dict[str, str]
    select: str
    order_by: tuple[str, ...]
    derived: dict[str, tuple[str, str]] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, str]:
        """Every column of the files, name -> DuckDB type, in their order."""
        calendar = {name: kind for name, (kind, _) in CALENDAR.items()} if self.grain != "all" else {}
        return self.raw | self.joined | {name: kind for name, (kind, _) in self.derived.items()} | calendar

    def partition(self, day: date) -> str:
        """The partition that holds ``day``."""
        return {"day": f"{day:%Y-%m-%d}", "month": f"{day:%Y-%m}", "all": WHOLE}[self.grain]
