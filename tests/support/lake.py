"""The lake of a test: written from the test's database, read as the faces read it."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.support.company import NOW

from tongpan.analytics.lake import manifest, writer
from tongpan.analytics.lake.session import session

TODAY = NOW.date()


def write_lake() -> None:
    """Bring the whole lake to what the test's database says."""
    writer.rebuild(NOW)


def lake(columns: str, table: str, rest: str = "") -> list[tuple[Any, ...]]:
    """Rows of one table of the lake; ``rest`` follows the table name."""
    return session().rows(f"SELECT {columns} FROM lake.{table} {rest}")


def partitions(table: str) -> dict[str, tuple[int, str]]:
    """(rows, path) of the current file of each partition of ``table``."""
    _, current = manifest.current([table])
    return {partition: (file.rows, file.path) for (_, partition), file in current.items()}


def days(*texts: str) -> set[date]:
    return {date.fromisoformat(text) for text in texts}
