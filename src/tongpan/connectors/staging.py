"""Stages the rows of one import in a database on disk, so that memory stays bounded whatever the file's size.

Rows go in as text with their line numbers; they come out joined with the tables they look up in, the rows of
one document together, documents in the order in which they first appear.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tongpan.connectors.engine.cells import cleaned
from tongpan.connectors.engine.documents import Layout, StagedRow
from tongpan.connectors.reading.source import Source
from tongpan.connectors.spec import Mapping, Table
from tongpan.core.errors import Refusal
from tongpan.core.late import Late

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Late("duckdb")

MEMORY_LIMIT = "256MB"
FETCH = 5000
MAX_ROWS_OF_A_DOCUMENT = 50_000
_BATCH = 5000
_STALE_SECONDS = 2 * 24 * 3600
TOO_MANY_ROWS = f"belongs to a document of more than {MAX_ROWS_OF_A_DOCUMENT:,} lines"
NO_KEY = "has no document number"


class Staging:
    """The staged rows of one import. A context manager: leaving it removes everything from disk.

    sources: by table name of ``mapping``. folder: where temporary files go.
    """

    def __init__(self, mapping: Mapping, sources: dict[str, Source], folder: Path) -> None:
        self._mapping = mapping
        self._sources = sources
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        self._folder = Path(tempfile.mkdtemp(prefix="import-", dir=folder))
        self._con = duckdb.connect(
            str(self._folder / "staging.duckdb"),
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": 2,
                "temp_directory": str(self._folder / "spill"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        # Its bar would be drawn into what a command prints.
        self._con.execute("SET enable_progress_bar = false")
        self.rows: dict[str, int] = {}

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._con.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def load(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read every source into its table. progress: told (bytes read, bytes of all files, both as packed).

        Raises Refusal when a file cannot be read to its end or the disk is full.
        """
        try:
            self._load_all(progress)
        except OSError as error:
            place = error.filename or self._folder
            raise Refusal("staging.disk", f"Reading stopped at {place}: {error.strerror or error}.") from error
        except duckdb.Error as error:
            raise Refusal("staging.failed", f"The rows cannot be staged on disk: {_first_line(error)}.") from error

    def _load_all(self, progress: Callable[[int, int], None] | None) -> None:
        total = sum(source.member.size for source in self._sources.values())
        before = 0
        for name, source in self._sources.items():
            self._load(name, source, progress, before, total)
            before += source.member.size
            if progress:
                progress(before, total)

    def _load(
        self,
        name: str,
        source: Source,
        progress: Callable[[int, int], None] | None,
        before: int,
        total: int,
    ) -> None:
        table = self._mapping.tables[name]
        keys = [source.match.positions[column] for column in table.key if column in source.match.positions]
        nulls = frozenset(self._mapping.nulls)
        size = source.member.size

        def seen(done: int) -> None:
            # An unpacked stream is longer than its file; the share is a guess that never passes the whole.
            if progress:
                progress(before + min(size, done // 6 if source.member.path.suffix == ".gz" else done), total)

        path = self._folder / f"{name}.csv"
        count = 0
        with path.open("w", encoding="utf-8", newline="", errors="replace") as stream:
            # With this line end the writer quotes every cell that holds a carriage return or a line feed.
            writer = csv.writer(stream, lineterminator="\r\n")
            batch: list[Sequence[Any]] = []
            last, key = "", ""
            for line, cells, defect, _ in source.rows(seen):
                count += 1
                if len(keys) == 1:
                    # The rows of a document mostly stand together.
                    if cells[keys[0]] != last:
                        last = cells[keys[0]]
                        key = cleaned(last, nulls)
                else:
                    parts = [cleaned(cells[i], nulls) for i in keys]
                    key = "\x1f".join(parts) if any(parts) else ""
                batch.append((line, key, defect, *cells))
                if len(batch) >= _BATCH:
                    writer.writerows(batch)
                    batch.clear()
            writer.writerows(batch)
        columns = {"n": "BIGINT", "k": "VARCHAR", "d": "VARCHAR"} | {
            f"c{i}": "VARCHAR" for i in range(len(source.headers))
        }
        self._con.execute(
            f"""CREATE TABLE t_{name} AS SELECT * FROM read_csv(?, columns = {columns!r}, header = false,
                auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = '\\r\\n', parallel = false,
                max_line_size = 4000000)""",
            [str(path)],
        )
        path.unlink()
        self.rows[name] = count
        written = self._con.execute(f"SELECT count(*) FROM t_{name}").fetchone()
        if written is None or written[0] != count:
            raise AssertionError(f"{count} rows of {name} were staged as {written}")

    def layout(self, name: str) -> Layout:
        """Where our columns and those of the lookups stand in the staged rows of ``name``."""
        source = self._sources[name]
        positions = dict(source.match.positions)
        headers = {column: source.headers[position] for column, position in positions.items()}
        names = list(source.headers)
        offset = len(names)
        known = {""}
        for alias, lookup in self._mapping.tables[name].lookups.items():
            target = self._sources.get(lookup.table)
            owners = {ours.rpartition(".")[0] for ours in lookup.where.values()}
            if target is None or not owners <= known:
                continue
            known.add(alias)
            for column, position in target.match.positions.items():
                positions[f"{alias}.{column}"] = offset + position
                headers[f"{alias}.{column}"] = target.headers[position]
            names += [f"{alias}.{header}" for header in target.headers]
            offset += len(target.headers)
        return Layout(positions, headers, source.member.name, names)

    def groups(self) -> Iterator[list[StagedRow]]:
        """The rows of each document together, in file order; documents in order of first appearance.

        A row without a document number, or of a document with too many rows, comes alone and with a defect.
        """
        tables = [name for name in self._sources if _gives_rows(self._mapping.tables[name])]
        main = next((name for name in tables if self._mapping.tables[name].document), tables[0])
        tables.sort(key=lambda name: name != main)
        self._index_keys(tables)
        selects = [self._select(number, name) for number, name in enumerate(tables)]
        width = max(width for _, width in selects)
        union = " UNION ALL ".join(
            f"SELECT {number} AS t, r.*{', NULL' * (width - own)} FROM ({statement}) r"
            for number, (statement, own) in enumerate(selects)
        )
        try:
            cursor = self._con.execute(f"SELECT * FROM ({union}) u ORDER BY f, k, t, n")
        except duckdb.Error as error:
            raise Refusal("staging.failed", f"The rows cannot be sorted on disk: {_first_line(error)}.") from error
        group: list[StagedRow] = []
        current: str | None = None
        while fetched := cursor.fetchmany(FETCH):
            for record in fetched:
                number, _, key, size, line, defect = record[:6]
                row = StagedRow(tables[number], line, defect or "", record[6:])
                if not key or size > MAX_ROWS_OF_A_DOCUMENT:
                    if group:
                        yield group
                        group, current = [], None
                    yield [row._replace(defect=row.defect or (TOO_MANY_ROWS if key else NO_KEY))]
                    continue
                if key != current and group:
                    yield group
                    group = []
                current = key
                group.append(row)
        if group:
            yield group

    def _index_keys(self, tables: Sequence[str]) -> None:
        """For every document number: where it first appears (the main table's rows come first) and its size."""
        union = " UNION ALL ".join(
            f"SELECT k, {number} AS t, n FROM t_{name} WHERE k <> ''" for number, name in enumerate(tables)
        )
        self._con.execute(
            f"CREATE TABLE keys AS SELECT k, min(t * 1000000000000 + n) AS f, count(*) AS s FROM ({union}) GROUP BY k"
        )

    def _select(self, number: int, name: str) -> tuple[str, int]:
        """The statement that gives f, k, s, n, d and the cells of ``name`` with its lookups; and how many cells."""
        joined, cells = self._joined(name)
        named = ", ".join(f"{cell} AS x{i}" for i, cell in enumerate(cells))
        statement = f"""SELECT coalesce(g.f, {number} * 1000000000000 + m.n) AS f, m.k AS k, coalesce(g.s, 1) AS s,
                               m.n AS n, m.d AS d, {named}
                        FROM {joined} LEFT JOIN keys g ON g.k = m.k"""
        return statement, len(cells)

    def plain_rows(self, name: str) -> Iterator[StagedRow]:
        """The rows of a table without documents, with its lookups, in file order."""
        joined, cells = self._joined(name)
        cursor = self._cursor().execute(f"SELECT m.n, m.d, {', '.join(cells)} FROM {joined} ORDER BY m.n")
        while fetched := cursor.fetchmany(FETCH):
            for record in fetched:
                yield StagedRow(name, record[0], record[1] or "", record[2:])

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of its own, so that rows can be streamed while another statement runs."""
        cursor = self._con.cursor()
        cursor.execute("SET enable_progress_bar = false")
        return cursor

    def _joined(self, name: str) -> tuple[str, list[str]]:
        """The FROM clause of ``name`` (as m) with its lookups, and the expressions of all cells."""
        source = self._sources[name]
        cells = [f"m.c{i}" for i in range(len(source.headers))]
        joins = []
        aliases = {"": "m"}
        for count, (alias, lookup) in enumerate(self._mapping.tables[name].lookups.items()):
            target = self._sources.get(lookup.table)
            owners = {ours.rpartition(".")[0] for ours in lookup.where.values()}
            if target is None or not owners <= set(aliases):
                continue
            there = f"l{count}"
            aliases[alias] = there
            conditions: list[str] = []
            partition: list[str] = []
            for theirs, ours in lookup.where.items():
                theirs_cell = _text(f"c{target.match.positions[theirs]}")
                partition.append(theirs_cell)
                owner, _, column = ours.rpartition(".")
                owner_source = source if not owner else self._owner(name, owner)
                position = owner_source.match.positions[column]
                conditions.append(f"{there}.k{len(conditions)} = {_text(f'{aliases[owner]}.c{position}')}")
            keys = ", ".join(f"{cell} AS k{i}" for i, cell in enumerate(partition))
            # Of several rows with the same key, the first of the file is looked up.
            joins.append(
                f"""LEFT JOIN (SELECT *, {keys} FROM t_{lookup.table}
                    QUALIFY row_number() OVER (PARTITION BY {", ".join(partition)} ORDER BY n) = 1) {there}
                    ON {" AND ".join(conditions)}"""
            )
            cells += [f"{there}.c{i}" for i in range(len(target.headers))]
        return " ".join([f"t_{name} m", *joins]), cells

    def _owner(self, name: str, alias: str) -> Source:
        return self._sources[self._mapping.tables[name].lookups[alias].table]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def _gives_rows(table: Table) -> bool:
    return bool(table.document or table.lines or table.payments or table.adjustments)


def _text(cell: str) -> str:
    """A cell as lookups compare it."""
    return f"trim({cell})"


def _remove_stale(folder: Path) -> None:
    """Remove what imports that were killed left behind."""
    for old in folder.glob("import-*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
