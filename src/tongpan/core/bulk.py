"""Set-based writing: many rows in one statement, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

# Made once: json.dumps makes an encoder for every call that asks for other separators.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: dict[str, Any] | list[Any]) -> str:
    """The text of a JSON column for ``copy_rows``."""
    return _encode(value)


def whole_numbers(values: Iterable[int]) -> str:
    """``values`` as one array parameter (``%s::bigint[]``): the driver takes several times as long over a long list."""
    return f"{{{','.join(map(str, values))}}}"


def texts(values: Iterable[str]) -> str:
    """The same for texts (``%s::text[]``)."""
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return f"{{{','.join(quoted)}}}"


def instants(values: Iterable[datetime | None]) -> str:
    """The same for instants, which may be unknown (``%s::timestamptz[]``)."""
    return f"{{{','.join(['NULL' if at is None else at.isoformat() for at in values])}}}"


def binaries(values: Iterable[bytes]) -> str:
    """The same for bytes (``%s::bytea[]``)."""
    return "{" + ",".join(['"\\\\x' + value.hex() + '"' for value in values]) + "}"


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append ``rows`` to ``table`` with one COPY, inside the transaction of the caller.

    Values may be None, str, bool, int, float, Decimal, date, aware datetime, bytes or list; a JSON column takes
    its text (``as_json``). Raises django.db.IntegrityError when a constraint refuses a row: then no row is in.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def next_ids(table: str, count: int) -> list[int]:
    """Reserve ``count`` identifiers of ``table`` (its ``id`` sequence), ascending. Gaps are harmless."""
    if count == 0:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return sorted(row[0] for row in cursor.fetchall())


def next_ids_of(counts: dict[str, int]) -> dict[str, list[int]]:
    """Reserve identifiers of several tables, ascending, by one statement; ``counts`` says how many of each."""
    parts = []
    for position, table in enumerate(counts):
        parts.append(
            sql.SQL(
                "SELECT {} AS t, nextval((SELECT pg_get_serial_sequence({}, 'id'))::regclass) AS id "
                "FROM generate_series(1, {})"
            ).format(position, table, counts[table])
        )
    ids: dict[str, list[int]] = {table: [] for table in counts}
    lists = list(ids.values())
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        for position, one in cursor.fetchall():
            lists[position].append(one)
    for numbers in lists:
        numbers.sort()
    return ids


class Part(NamedTuple):
    """One INSERT, UPDATE or DELETE of several that are sent as one statement."""

    statement: str
    parameters: Sequence[Any]


def execute_together(parts: Sequence[Part]) -> None:
    """Run ``parts`` as one statement, none when there are none.

    They share one snapshot: none sees what another writes, no two may touch the same row, and their order is open.
    """
    if parts:
        named = ", ".join(f"part{position} AS ({part.statement})" for position, part in enumerate(parts))
        execute(f"WITH {named} SELECT", [value for part in parts for value in part.parameters])


def fetch_all(statement: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def execute(statement: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
    """Run one statement; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
