"""The payload of an order as the order page shows it: rows of a file column by column, anything else as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tongpan.connectors.engine.payloads import tables_of

SHOWN = 100_000
"""Characters of a payload that is no rows."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """rows: how many; columns: (header, its cell on each row)."""

    rows: Sequence[int]
    columns: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Source:
    """tables: rows of files. text: of another payload."""

    tables: Sequence[SourceTable]
    text: str = ""


def source_of(payload: bytes) -> Source:
    """What ``payload`` holds, to be read by people."""
    tables = tables_of(payload)
    if tables:
        return Source(
            [
                SourceTable(
                    range(len(table.rows)),
                    [(header, [row[i] for row in table.rows]) for i, header in enumerate(table.columns)],
                )
                for table in tables
            ]
        )
    text = payload.decode(errors="replace")
    with suppress(ValueError):
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    return Source([], text[:SHOWN])
