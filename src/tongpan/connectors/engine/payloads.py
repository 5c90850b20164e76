"""The rows of a document as they stood in its file, as its payload: every column, also those that nothing reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pydantic_core

from tongpan.connectors.engine.prepared import Layout, StagedRow

MAX_PAYLOAD = 8_000_000
"""Bytes. The rows of a document that need more are not kept: it has tens of thousands of lines."""


@dataclass(frozen=True, slots=True)
class PayloadTable:
    """Rows of one file. name: the table of the format; columns: headers; rows: cells, "" where there is nothing."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def payload_of_rows(format_name: str, rows: Sequence[StagedRow], layouts: Mapping[str, Layout]) -> bytes:
    """``rows`` as compact JSON: {"format", "tables": [{"table", "columns", "rows"}]}; b"" past MAX_PAYLOAD.

    The same rows give the same bytes whatever file they stood in, and on whatever line of it.
    """
    names = sorted({row.table for row in rows})
    by_table = {name: rows if len(names) == 1 else [row for row in rows if row.table == name] for name in names}
    tables = []
    for name, members in by_table.items():
        columns = list(layouts[name].names)
        more = list(dict.fromkeys(header for row in members if row.extra for header in row.extra))
        cells: Iterable[Sequence[str | None]] = [row.cells for row in members]
        if more:
            columns += more
            cells = [[*row.cells, *[row.extra.get(header) for header in more]] for row in members]
        tables.append({"table": name, "columns": columns, "rows": cells})
    payload = _encoded({"format": format_name, "tables": tables})
    return payload if len(payload) <= MAX_PAYLOAD else b""


def _encoded(value: object) -> bytes:
    try:
        return pydantic_core.to_json(value)
    except ValueError:
        # Half a character, which no UTF-8 has.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def tables_of(payload: bytes) -> list[PayloadTable]:
    """The rows that ``payload_of_rows`` kept, without columns that are empty in all of them; [] for another payload."""
    try:
        said = json.loads(payload)
        tables = said["tables"] if isinstance(said, dict) and "format" in said else []
        return [_table(one["table"], one["columns"], one["rows"]) for one in tables]
    except (ValueError, KeyError, TypeError):
        return []


def _table(name: str, columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> PayloadTable:
    used = [i for i in range(len(columns)) if any(i < len(row) and row[i] for row in rows)]
    return PayloadTable(
        name, [columns[i] for i in used], [[(row[i] if i < len(row) else "") or "" for i in used] for row in rows]
    )
