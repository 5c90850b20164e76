"""The one writer: replaces whole partitions, so that a reader sees the old or the new one and never half.

How a pass works:
1. Take the writer's lock (an advisory lock of PostgreSQL, held to the end of the transaction).
2. Stage the rows of all touched days in DuckDB, one COPY per table.
3. Write each partition to a scratch file; one whose content did not change is left as it is.
4. Flush, then rename: the new files exist, and nobody refers to them.
5. Swap the manifest rows. The commit of the caller's transaction makes all of them current at once.
A crash before the commit leaves files that no manifest row names: the sweep deletes them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from tongpan.analytics.lake import files, manifest
from tongpan.analytics.lake.days import all_days, chunks, days_of_partition
from tongpan.analytics.lake.dimensions import DIMENSIONS
from tongpan.analytics.lake.extract import stage, stage_facts
from tongpan.analytics.lake.table import SCHEMA_VERSION, WHOLE, Table
from tongpan.analytics.lake.tables import TABLES
from tongpan.core.bulk import fetch_all

if TYPE_CHECKING:
    import duckdb


def write(touched: Mapping[str, Collection[date]], now: datetime) -> int:
    """Rewrite the partitions that hold the ``touched`` days of each fact, and the dimensions that changed.

    Runs inside the transaction of the caller and takes the writer's lock; the new files become current with its
    commit. Returns the number of partitions whose content changed.
    """
    with transaction.atomic():
        manifest.lock_writer()
        changed = 0
        for chunk in chunks(touched):
            changed += _write_facts(chunk, now, is_forced=False)
        # Dimensions come last, so that they know every id that the facts speak of.
        return changed + _write_dimensions(now, is_forced=False)


def refresh_dimensions(now: datetime) -> int:
    """Rewrite the dimensions whose rows changed. Locks as ``write``. Returns how many were rewritten."""
    with transaction.atomic():
        manifest.lock_writer()
        return _write_dimensions(now, is_forced=False)


def rebuild(now: datetime) -> int:
    """Write every partition anew from the database; partitions without rows there become empty.

    Each chunk of days is a transaction of its own: readers go on, an interrupted rebuild leaves every partition
    whole, and events that come meanwhile are read as ever. Returns the number of partitions written.
    """
    written = 0
    for chunk in chunks(all_days()):
        with transaction.atomic():
            manifest.lock_writer()
            written += _write_facts(chunk, now, is_forced=True)
    with transaction.atomic():
        manifest.lock_writer()
        return written + _write_dimensions(now, is_forced=True)


def _write_facts(touched: Mapping[str, Sequence[date]], now: datetime, *, is_forced: bool) -> int:
    with files.connect(files.WRITER_MEMORY) as duck:
        staged = stage_facts(duck, touched)
        partitions = [
            (TABLES[name], partition, staged[name])
            for name, days in touched.items()
            for partition in dict.fromkeys(map(TABLES[name].partition, days))
        ]
        return _write_partitions(duck, partitions, {}, now, is_forced=is_forced)


def _write_dimensions(now: datetime, *, is_forced: bool) -> int:
    fingerprints = _fingerprints()
    _, current = manifest.current([table.name for table in DIMENSIONS])
    changed = [
        table
        for table in DIMENSIONS
        if is_forced
        or (table.name, WHOLE) not in current
        or current[table.name, WHOLE].fingerprint != fingerprints[table.name]
        or current[table.name, WHOLE].schema_version != SCHEMA_VERSION
    ]
    if not changed:
        return 0
    with files.connect(files.WRITER_MEMORY) as duck:
        partitions = [(table, WHOLE, stage(duck, table, ())) for table in changed]
        return _write_partitions(duck, partitions, fingerprints, now, is_forced=True)


def _fingerprints() -> dict[str, str]:
    """A number for the rows of each dimension that changes when any of them does; one statement."""
    parts = [
        f"""(SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM ({table.select}) t)"""
        for table in DIMENSIONS
    ]
    row = fetch_all(f"SELECT {', '.join(parts)}")[0]
    return {table.name: str(value) for table, value in zip(DIMENSIONS, row, strict=True)}


def _write_partitions(
    duck: duckdb.DuckDBPyConnection,
    partitions: Sequence[tuple[Table, str, str]],
    fingerprints: Mapping[str, str],
    now: datetime,
    *,
    is_forced: bool,
) -> int:
    """Write (table, partition, staged relation) each to a file of its own and swap those that changed."""
    _, current = manifest.current(sorted({table.name for table, _, _ in partitions}))
    drafts: list[tuple[str, str, Path]] = []
    rows: list[int] = []
    with files.scratch_folder() as folder:
        for table, partition, staged in partitions:
            old = current.get((table.name, partition))
            draft = folder / f"{table.name}.{partition}.parquet"
            count = _write_draft(duck, table, partition, staged, draft)
            # Nothing here and nothing before: no file. A partition that became empty does get an empty file.
            is_absent = count == 0 and old is None and table.grain != "all"
            if is_absent or (old is not None and not is_forced and _is_same(old, draft)):
                draft.unlink()
            else:
                drafts.append((table.name, partition, draft))
                rows.append(count)
        published = files.publish(drafts)
    manifest.swap(
        [
            manifest.File(name, partition, path, count, size, digest, SCHEMA_VERSION, fingerprints.get(name, ""))
            for (name, partition, _), count, (path, size, digest) in zip(drafts, rows, published, strict=True)
        ],
        now,
    )
    return len(published)


def _is_same(old: manifest.File, draft: Path) -> bool:
    return (
        old.schema_version == SCHEMA_VERSION
        and old.size == draft.stat().st_size
        and old.digest == files.digest_of(draft)
    )


def _write_draft(duck: duckdb.DuckDBPyConnection, table: Table, partition: str, staged: str, draft: Path) -> int:
    # Staged rows are sorted by the table's key already, and DuckDB keeps their order.
    where = ""
    if table.grain != "all":
        days = days_of_partition(table, partition)
        where = f"WHERE business_date BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}'"
    copied = duck.execute(
        f"COPY (SELECT {', '.join(table.columns)} FROM {staged} {where}) "
        f"TO {files.quote(str(draft))} (FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false)"
    ).fetchall()
    return int(copied[0][0])
