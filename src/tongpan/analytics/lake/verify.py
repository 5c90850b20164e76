"""Proof that the lake and the database say the same, file by file and row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from tongpan.analytics.lake import files, manifest
from tongpan.analytics.lake.days import all_days, chunks
from tongpan.analytics.lake.dimensions import DIMENSIONS
from tongpan.analytics.lake.extract import stage, stage_facts
from tongpan.analytics.lake.session import select_from
from tongpan.analytics.lake.table import WHOLE, Table
from tongpan.analytics.lake.tables import TABLES

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Difference:
    """reason: "file missing", "file changed" since it was written, or "rows differ" from the database."""

    table: str
    partition: str
    reason: str
    rows: int = 0


def verify() -> list[Difference]:
    """Compare every current file with its digest, and every row with the database; what differs.

    Takes the writer's lock for each chunk of days, so that no write comes between the two. Changes that the log
    still holds for the lake's reader show up as differing rows.
    """
    _, current = manifest.current()
    found = _broken_files(current)
    broken = {(difference.table, difference.partition) for difference in found}
    for chunk in chunks(all_days()):
        with transaction.atomic(), files.connect(files.WRITER_MEMORY) as duck:
            manifest.lock_writer()
            staged = stage_facts(duck, chunk)
            for name, days in chunk.items():
                found += _differing_days(duck, TABLES[name], staged[name], days, broken)
    with transaction.atomic(), files.connect(files.WRITER_MEMORY) as duck:
        manifest.lock_writer()
        _, current = manifest.current([table.name for table in DIMENSIONS])
        for table in DIMENSIONS:
            if (table.name, WHOLE) not in broken:
                listed = [current[table.name, WHOLE]] if (table.name, WHOLE) in current else []
                count = _difference(duck, table, stage(duck, table, ()), listed, "'all'")
                found += [Difference(table.name, WHOLE, "rows differ", rows) for _, rows in count]
    return found


def _broken_files(current: Mapping[tuple[str, str], manifest.File]) -> list[Difference]:
    found = []
    for file in current.values():
        path = files.lake_dir() / file.path
        if not path.exists():
            found.append(Difference(file.table, file.partition, "file missing", file.rows))
        elif path.stat().st_size != file.size or files.digest_of(path) != file.digest:
            found.append(Difference(file.table, file.partition, "file changed", file.rows))
    return found


def _differing_days(
    duck: duckdb.DuckDBPyConnection,
    table: Table,
    staged: str,
    days: Sequence[date],
    broken: set[tuple[str, str]],
) -> list[Difference]:
    partitions = sorted({table.partition(day) for day in days})
    _, current = manifest.current([table.name])
    listed = [
        current[table.name, p] for p in partitions if (table.name, p) in current and (table.name, p) not in broken
    ]
    form = {"day": "strftime(business_date, '%Y-%m-%d')", "month": "strftime(business_date, '%Y-%m')"}[table.grain]
    return [
        Difference(table.name, partition, "rows differ", rows)
        for partition, rows in _difference(duck, table, staged, listed, form)
        if partition in partitions and (table.name, partition) not in broken
    ]


def _difference(
    duck: duckdb.DuckDBPyConnection, table: Table, staged: str, listed: Sequence[manifest.File], partition: str
) -> list[tuple[str, int]]:
    """(partition, number of rows that only one side has), for the partitions that have any."""
    ours = f"SELECT {', '.join(table.columns)} FROM {staged}"
    theirs = select_from(table, listed)
    return duck.execute(
        f"""SELECT {partition}, count(*) FROM (
              (({ours}) EXCEPT ALL ({theirs})) UNION ALL (({theirs}) EXCEPT ALL ({ours}))
            ) differing GROUP BY 1 ORDER BY 1"""
    ).fetchall()
