"""Formats whose files come one at a time: what one file says of a document is kept until the others have come.

A document is always made of the latest part of each table, so that it is the same whichever file came first.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tongpan.access import vault
from tongpan.connectors.engine.cells import cleaned
from tongpan.connectors.engine.documents import Assembled, Layout, StagedRow
from tongpan.connectors.engine.fields import Settings, compile_value
from tongpan.connectors.spec import Mapping as MappingSpec
from tongpan.core.bulk import execute, fetch_all

BATCH = 1000
OTHER = "="
"""Begins no name of a column, so that a header can stand beside our names."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one file says of one document. rows: the texts of our columns, those that are not empty.

    Those of columns that the mapping does not take stand under their header with ``OTHER`` before it.
    """

    table: str
    number: str
    exported_at: datetime | None
    rows: Sequence[Mapping[str, str]]

    @property
    def digest(self) -> bytes:
        return hashlib.blake2b(self._text().encode(), digest_size=16).digest()

    def sealed(self) -> bytes:
        return vault.seal(self._text())

    def _text(self) -> str:
        return json.dumps(self.rows, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows of one document in the file, with what is kept of it from others.

    own: rows of the file. all_rows: those and the kept ones, in the layout of ``Parts``. part: what to keep of own.
    state: "whole", "waiting" (the table of heads has not come), "kept" (waiting, and kept so before), or "stale" (a
    newer file was here before).
    """

    own: Sequence[StagedRow]
    all_rows: Sequence[StagedRow]
    part: Part | None
    state: str

    def of_the_file(self, assembled: Assembled) -> Assembled:
        """``assembled`` with the rows of the file as they stand in it, and without the kept ones."""
        own = {(row.table, row.line): row for row in self.own}
        return Assembled(
            [
                replace(document, rows=[own[at] for row in document.rows if (at := row[:2]) in own], part=self.part)
                for document in assembled.documents
            ],
            [(own[at], problems) for row, problems in assembled.rejected if (at := row[:2]) in own],
        )


@dataclass(slots=True)
class Parts:
    """The parts of a format in one shop. shop_id: None for a shop that is not there yet, of which nothing is kept.

    sources: the layouts of the tables in the file.
    """

    mapping: MappingSpec
    shop_id: int | None
    zone: str
    sources: Mapping[str, Layout]
    layouts: dict[str, Layout] = field(default_factory=dict)
    waiting: list[Part] = field(default_factory=list)
    _others: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, table in self.mapping.tables.items():
            known = self.sources[name].headers if name in self.sources else {}
            headers = {column: known.get(column, spec.header[0]) for column, spec in table.columns.items()}
            self.layouts[name] = Layout(
                {column: i for i, column in enumerate(table.columns)}, headers, names=list(headers.values())
            )
            if name in self.sources:
                taken = set(self.sources[name].positions.values())
                self._others[name] = [(i, h) for i, h in enumerate(self.sources[name].names) if i not in taken and h]

    def joined(self, groups: Iterator[list[StagedRow]]) -> Iterator[Joined]:
        """Each of ``groups`` with what is kept of its document; one statement for every thousand."""
        heads = next(name for name, table in self.mapping.tables.items() if table.document)
        while batch := list(itertools.islice(groups, BATCH)):
            numbers = [self._number(group[0]) for group in batch]
            stored = self._stored([number for number in numbers if number])
            for group, number in zip(batch, numbers, strict=True):
                yield self._join(group, number, stored.get(number, {}), heads)

    def wait(self, part: Part | None) -> None:
        """Keep ``part``, whose document has not come, with the next thousand of its like; ``flush`` keeps the last."""
        if part is not None:
            self.waiting.append(part)
        if len(self.waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        self.keep(self.waiting)
        self.waiting.clear()

    def keep(self, parts: Sequence[Any]) -> None:
        """Keep ``parts``; one that was exported earlier than the kept one does not take its place. One statement."""
        if not parts or self.shop_id is None:
            return
        last = {(part.table, part.number): part for part in parts}
        chosen = [last[key] for key in sorted(last)]
        execute(
            """INSERT INTO connectors_part AS p (shop_id, format, part, number, exported_at, digest, content)
               SELECT %s, %s, * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::bytea[], %s::bytea[])
               ON CONFLICT (shop_id, format, number, part) DO UPDATE
               SET exported_at = coalesce(excluded.exported_at, p.exported_at), digest = excluded.digest,
                   content = excluded.content
               WHERE (p.exported_at IS NULL OR excluded.exported_at IS NULL OR excluded.exported_at >= p.exported_at)
                 AND (p.digest, p.exported_at) IS DISTINCT FROM (excluded.digest, excluded.exported_at)""",
            [
                self.shop_id,
                self.mapping.format,
                [part.table for part in chosen],
                [part.number for part in chosen],
                [part.exported_at for part in chosen],
                [part.digest for part in chosen],
                [part.sealed() for part in chosen],
            ],
        )

    def _join(
        self, group: Sequence[StagedRow], number: str, stored: Mapping[str, tuple[Part, bytes]], heads: str
    ) -> Joined:
        own = [row._replace(cells=self._cells(row), extra=self._extra(row)) for row in group]
        tables = {row.table for row in group}
        if not number or len(tables) > 1 or any(row.defect for row in group):
            return Joined(group, own, None, "whole")
        [table] = tables
        columns = list(self.mapping.tables[table].columns)
        rows = [
            {c: text for c, text in zip(columns, row.cells, strict=True) if text}
            | {f"{OTHER}{header}": text for header, text in row.extra.items()}
            for row in own
        ]
        part = Part(table, number, self._exported_at(table), rows)
        before = stored.get(table)
        if before and part.exported_at and before[0].exported_at and part.exported_at < before[0].exported_at:
            return Joined(group, own, part, "stale")
        others = [row for name, (kept, _) in stored.items() if name != table for row in self._rows(kept)]
        if table != heads and not any(row.table == heads for row in others):
            return Joined(group, own, part, "kept" if before and before[1] == part.digest else "waiting")
        order = {name: i for i, name in enumerate(self.mapping.tables)}
        return Joined(group, sorted([*own, *others], key=lambda row: order[row.table]), part, "whole")

    def _rows(self, part: Part) -> list[StagedRow]:
        columns = self.mapping.tables[part.table].columns
        return [
            StagedRow(
                part.table,
                0,
                "",
                [row.get(column) for column in columns],
                {name[len(OTHER) :]: text for name, text in row.items() if name.startswith(OTHER)},
            )
            for row in part.rows
        ]

    def _cells(self, row: StagedRow) -> list[str | None]:
        """The cells of our columns, in the order in which the mapping has them."""
        positions = self.sources[row.table].positions
        return [row.cells[positions[c]] if c in positions else None for c in self.mapping.tables[row.table].columns]

    def _extra(self, row: StagedRow) -> dict[str, str]:
        """The cells that no column of ours takes, by header, those that are not empty."""
        return {header: text for i, header in self._others[row.table] if (text := row.cells[i])}

    def _number(self, row: StagedRow) -> str:
        position = self.sources[row.table].positions[self.mapping.tables[row.table].key[0]]
        return cleaned(row.cells[position], self.mapping.nulls)

    def _exported_at(self, table: str) -> datetime | None:
        if self.mapping.exported_at is None:
            return None
        settings = Settings({}, {}, zone_name=self.zone, file_name=self.sources[table].file_name)
        found: datetime | None = compile_value(self.mapping.exported_at, "time", settings).get(())
        return found

    def _stored(self, numbers: Sequence[str]) -> dict[str, dict[str, tuple[Part, bytes]]]:
        if self.shop_id is None or not numbers:
            return {}
        found: dict[str, dict[str, tuple[Part, bytes]]] = {}
        for number, table, exported_at, digest, content in fetch_all(
            """SELECT number, part, exported_at, digest, content FROM connectors_part
               WHERE shop_id = %s AND format = %s AND number = ANY(%s)""",
            [self.shop_id, self.mapping.format, sorted(set(numbers))],
        ):
            if table in self.mapping.tables:
                part = Part(table, number, exported_at, json.loads(vault.open_sealed(content)))
                found.setdefault(number, {})[table] = (part, bytes(digest))
        return found
