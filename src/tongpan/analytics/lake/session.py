"""How a process reads the lake: one in-memory DuckDB that follows the manifest.

A process begins by reading the files through views. When it goes on asking, a lake of up to ``MEMORY_ROWS`` rows is
taken into memory, and from then on only partitions that changed are read again. Why, and why these numbers, is in
docs/explanation/lake.md.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tongpan.analytics.lake import files, manifest
from tongpan.analytics.lake.table import SCHEMA_VERSION, Table
from tongpan.analytics.lake.tables import TABLES
from tongpan.core.errors import Refusal
from tongpan.core.late import Late

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Late("duckdb")

MEMORY_ROWS = 3_000_000
# Loading pays when a process asks more than a few questions; a command that asks one is done sooner without.
PATIENCE = 8
READER_MEMORY = "1GB"
CATALOG = "lake"
"""Statements name tables as ``lake.orders``."""
CACHED_RESULTS = 512
# The lake is taken into memory anew when more rows were replaced since than this share of those it has.
DEAD_SHARE = 0.5

# Rows that are read at once while the lake is taken into memory.
LOAD_ROWS = 250_000

Row = tuple[Any, ...]
Files = dict[tuple[str, str], manifest.File]


class Session:
    """The lake as one process sees it. Safe to use from several threads."""

    def __init__(self) -> None:
        self._duck = _open()
        self._lock = threading.Lock()
        self._version = -1
        self._files: Files = {}
        self._is_in_memory = False
        self._asked = 0
        self._dead = 0
        self._results: OrderedDict[tuple[int, str], list[Row]] = OrderedDict()

    def rows(self, statement: str) -> list[Row]:
        """The rows of ``statement`` over the tables of the lake as the manifest lists them now.

        Equal statements over an unchanged lake are answered from memory. Raises Refusal("lake.damaged") when a
        file of the manifest is missing or broken.
        """
        version = self.refresh()
        key = (version, statement)
        with self._lock:
            self._asked += 1
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        try:
            with self._duck.cursor() as cursor:
                rows = cursor.execute(statement).fetchall()
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException) or not _are_whole(self._files.values()):
                raise _damaged(error) from error
            raise
        with self._lock:
            self._results[key] = rows
            while len(self._results) > CACHED_RESULTS:
                self._results.popitem(last=False)
        return rows

    def refresh(self) -> int:
        """Take in what changed since the last look; the version of the manifest. One small query when nothing did."""
        version = manifest.version()
        with self._lock:
            if version == self._version and not self._should_load():
                return version
            version, current = manifest.current()
            outdated = [file for file in current.values() if file.schema_version != SCHEMA_VERSION]
            if outdated:
                raise Refusal(
                    "lake.outdated",
                    "The lake was written by another version of Tongpan; run: tongpan lake rebuild",
                )
            try:
                self._load(current)
            except duckdb.Error as error:
                self._version = -1
                self._files = {}
                raise _damaged(error) from error
            self._version, self._files = version, current
            self._results.clear()
            return version

    def warm(self) -> None:
        """Take the lake into memory now, if it fits: for a process that will be asked many things."""
        with self._lock:
            self._asked += PATIENCE + 1
        self.refresh()

    def _should_load(self) -> bool:
        return not self._is_in_memory and self._asked > PATIENCE and _fits(self._files)

    @property
    def row_counts(self) -> dict[str, int]:
        """How many rows each table had at the last refresh."""
        counts = dict.fromkeys(TABLES, 0)
        for (table, _), file in self._files.items():
            counts[table] += file.rows
        return counts

    @property
    def is_in_memory(self) -> bool:
        return self._is_in_memory

    def _load(self, current: Files) -> None:
        """Make the tables say what ``current`` says; queries under way go on with what they began with."""
        wants_memory = self._asked > PATIENCE and _fits(current)
        if wants_memory and self._is_in_memory and self._version >= 0 and not self._is_worn(current):
            self._replace_changed(current)
        elif wants_memory:
            self._duck = _filled(current)
            self._dead = 0
        else:
            if self._is_in_memory:
                self._duck = _open()
            _make_views(self._duck, current)
        self._is_in_memory = wants_memory

    def _is_worn(self, current: Files) -> bool:
        return self._dead > DEAD_SHARE * sum(file.rows for file in current.values())

    def _replace_changed(self, current: Files) -> None:
        with self._duck.cursor() as cursor:
            cursor.execute("BEGIN")
            for table in TABLES.values():
                mine = {key for key in (*self._files, *current) if key[0] == table.name}
                changed = [key for key in sorted(mine) if self._files.get(key) != current.get(key)]
                for key in changed:
                    old = self._files.get(key)
                    if old is not None and old.rows:
                        cursor.execute(f"DELETE FROM {_name(table)} WHERE {_partition_test(table, key[1])}")
                        self._dead += old.rows
                added = [current[key] for key in changed if key in current and current[key].rows]
                if added:
                    cursor.execute(f"INSERT INTO {_name(table)} {select_from(table, added)}")
            cursor.execute("COMMIT")
        _pack(self._duck)


def _open() -> duckdb.DuckDBPyConnection:
    """A DuckDB with an empty catalog for the lake. What it holds in memory is compressed."""
    duck = files.connect(READER_MEMORY)
    duck.execute("SET parquet_metadata_cache = true")
    duck.execute(f"ATTACH ':memory:' AS {CATALOG} (COMPRESS)")
    return duck


def _make_views(duck: duckdb.DuckDBPyConnection, current: Files) -> None:
    with duck.cursor() as cursor:
        cursor.execute("BEGIN")
        for table in TABLES.values():
            listed = [file for file in current.values() if file.table == table.name and file.rows]
            cursor.execute(f"CREATE OR REPLACE VIEW {_name(table)} AS {select_from(table, listed)}")
        cursor.execute("COMMIT")


def _filled(current: Files) -> duckdb.DuckDBPyConnection:
    """A DuckDB that holds the whole lake; filled in small parts, because rows are packed only after each part."""
    duck = _open()
    for table in TABLES.values():
        duck.execute(f"CREATE TABLE {_name(table)} AS {select_from(table, [])}")
        part: list[manifest.File] = []
        for file in [file for file in current.values() if file.table == table.name and file.rows]:
            part.append(file)
            if sum(one.rows for one in part) >= LOAD_ROWS:
                duck.execute(f"INSERT INTO {_name(table)} {select_from(table, part)}")
                _pack(duck)
                part = []
        if part:
            duck.execute(f"INSERT INTO {_name(table)} {select_from(table, part)}")
    _pack(duck)
    return duck


def _pack(duck: duckdb.DuckDBPyConnection) -> None:
    """Compress what was put in; another time when queries are under way, which it would have to wait for."""
    with contextlib.suppress(duckdb.TransactionException):
        duck.execute(f"CHECKPOINT {CATALOG}")


def _fits(current: Files) -> bool:
    return sum(file.rows for file in current.values()) <= MEMORY_ROWS


def _are_whole(listed: Iterable[manifest.File]) -> bool:
    """True when every file is there with the size that it was written with."""
    paths = ((files.lake_dir() / file.path, file.size) for file in listed)
    return all(path.exists() and path.stat().st_size == size for path, size in paths)


def _name(table: Table) -> str:
    return f"{CATALOG}.{table.name}"


def select_from(table: Table, listed: Sequence[manifest.File]) -> str:
    """The columns of ``table`` from ``listed`` files; typed and empty when there are none."""
    if not listed:
        return _empty(table)
    paths = ", ".join(files.quote(str(files.lake_dir() / file.path)) for file in listed)
    return f"SELECT {', '.join(table.columns)} FROM read_parquet([{paths}], hive_partitioning = false)"


def _empty(table: Table) -> str:
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in table.columns.items())
    return f"SELECT {columns} WHERE false"


def _partition_test(table: Table, partition: str) -> str:
    if table.grain == "day":
        return f"business_date = DATE {files.quote(partition)}"
    if table.grain == "month":
        return f"month = {int(partition.replace('-', ''))}"
    return "true"


def _damaged(error: Exception) -> Refusal:
    return Refusal(
        "lake.damaged",
        f"A file of the lake is missing or broken ({str(error).splitlines()[0]}); run: tongpan lake rebuild",
    )


class _Sessions:
    """The session of this process; a forked child makes its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_process: dict[tuple[int, str], Session] = {}

    def current(self) -> Session:
        key = (os.getpid(), str(files.lake_dir()))
        with self._lock:
            if key not in self._of_process:
                self._of_process.clear()
                self._of_process[key] = Session()
            return self._of_process[key]


_sessions = _Sessions()


def session() -> Session:
    """The lake of this installation as this process reads it."""
    return _sessions.current()
