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

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
from django.db import transaction

from tongpan.analytics.lake import files, manifest
from tongpan.analytics.lake.extract import stage
from tongpan.analytics.lake.tables import (
    CHANNEL_DAYS,
    CORRECTIONS,
    DIMENSIONS,
    FACTS,
    ORDERS,
    RETURNS,
    SCHEMA_VERSION,
    TABLES,
    WHOLE,
    Table,
)
from tongpan.core.bulk import fetch_all

# Rows of orders and returns that are staged at once; bounds the memory and the scratch space of a rebuild.
CHUNK_DOCUMENTS = 200_000


def write(touched: Mapping[str, Collection[date]], now: datetime) -> int:
    """Rewrite the partitions that hold the ``touched`` days of each fact, and the dimensions that changed.

    Runs inside the transaction of the caller and takes the writer's lock; the new files become current with its
    commit. Returns the number of partitions whose content changed.
    """
    with transaction.atomic():
        manifest.lock_writer()
        changed = 0
        for chunk in _chunks(touched):
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
    for chunk in _chunks(_all_days()):
        with transaction.atomic():
            manifest.lock_writer()
            written += _write_facts(chunk, now, is_forced=True)
    with transaction.atomic():
        manifest.lock_writer()
        return written + _write_dimensions(now, is_forced=True)


def days_of_partition(table: Table, partition: str) -> list[date]:
    """Every calendar day that ``partition`` of a fact covers."""
    if table.grain == "day":
        return [date.fromisoformat(partition)]
    first = date.fromisoformat(f"{partition}-01")
    following = (first + timedelta(days=32)).replace(day=1)
    return [first + timedelta(days=n) for n in range((following - first).days)]


def _all_days() -> dict[str, set[date]]:
    """The days of every fact: those of the database, and those that the lake has a partition for."""
    in_database = fetch_all(
        """SELECT 'orders', business_date FROM orders_order GROUP BY 2
           UNION ALL SELECT 'returns', business_date FROM orders_return GROUP BY 2
           UNION ALL SELECT 'corrections', business_date FROM orders_correction GROUP BY 2
           UNION ALL SELECT 'channel_days', day FROM analytics_channelday GROUP BY 2"""
    )
    days: dict[str, set[date]] = defaultdict(set)
    of_source = {
        ORDERS.name: ("orders", "order_lines", "fulfillments"),
        RETURNS.name: ("returns", "return_lines"),
        CORRECTIONS.name: ("corrections",),
        CHANNEL_DAYS.name: ("channel_days",),
    }
    for source, day in in_database:
        for name in of_source[source]:
            days[name].add(day)
    _, current = manifest.current([table.name for table in FACTS])
    for name, partition in current:
        days[name].update(days_of_partition(TABLES[name], partition))
    return days


def _chunks(touched: Mapping[str, Collection[date]]) -> Iterator[dict[str, list[date]]]:
    """``touched`` cut into parts that fit into memory, whatever the length of the history.

    Tables by the month are small: all of them are one part, with all days of their months.
    """
    by_month = {
        name: sorted({day for part in set(map(table.partition, days)) for day in days_of_partition(table, part)})
        for name, days in touched.items()
        if days and (table := TABLES[name]).grain == "month"
    }
    if by_month:
        yield by_month
    by_day = {name: set(days) for name, days in touched.items() if TABLES[name].grain == "day"}
    days = sorted(set().union(*by_day.values()))
    sizes = _documents_by_day(days)
    pending: list[date] = []
    documents = 0
    for day in days:
        if pending and documents + sizes.get(day, 0) > CHUNK_DOCUMENTS:
            yield _restrict(by_day, pending)
            pending, documents = [], 0
        pending.append(day)
        documents += sizes.get(day, 0)
    if pending:
        yield _restrict(by_day, pending)


def _restrict(touched: Mapping[str, Collection[date]], days: Sequence[date]) -> dict[str, list[date]]:
    kept = {name: [day for day in days if day in wanted] for name, wanted in touched.items()}
    return {name: wanted for name, wanted in kept.items() if wanted}


def _documents_by_day(days: Sequence[date]) -> dict[date, int]:
    rows = fetch_all(
        """SELECT business_date, sum(n) FROM (
             SELECT business_date, count(*) AS n FROM orders_order WHERE business_date = ANY(%(days)s) GROUP BY 1
             UNION ALL
             SELECT business_date, count(*) FROM orders_return WHERE business_date = ANY(%(days)s) GROUP BY 1
           ) documents GROUP BY 1""",
        {"days": list(days)},
    )
    return {day: int(count) for day, count in rows}


def _write_facts(touched: Mapping[str, Sequence[date]], now: datetime, *, is_forced: bool) -> int:
    joins_orders = any(TABLES[name].joined for name in touched)
    with files.connect(files.WRITER_MEMORY) as duck:
        partitions: list[tuple[Table, str, str]] = []
        if joins_orders:
            order_days = {day for name in touched if TABLES[name].joined for day in touched[name]}
            stage(duck, ORDERS, sorted(order_days | set(touched.get(ORDERS.name, ()))))
        for table in FACTS:
            days = touched.get(table.name)
            if not days:
                continue
            staged = f"staged_{table.name}"
            if table is not ORDERS or not joins_orders:
                stage(duck, table, days)
            partitions += [(table, p, staged) for p in dict.fromkeys(map(table.partition, days))]
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
