"""From PostgreSQL into DuckDB: one COPY for any number of days, with explicit types and nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection
from psycopg import sql

from tongpan.analytics.lake.files import quote, scratch_folder
from tongpan.analytics.lake.table import CALENDAR, Table
from tongpan.analytics.lake.tables import FACTS, ORDERS

if TYPE_CHECKING:
    import duckdb


def stage(duck: duckdb.DuckDBPyConnection, table: Table, days: Sequence[date]) -> str:
    """Read the rows of ``table`` for ``days`` (all rows of a dimension) into a temporary table of ``duck``.

    The rows are those that the transaction of the caller sees. ``orders`` of the same days must be staged
    before a table that joins it. Returns the name of the temporary table; it has the columns of the files.
    """
    with scratch_folder() as folder:
        path = folder / "rows.csv"
        listed = _day_list(days)
        _copy_out(table.select.replace("{days}", f"= ANY({listed})").replace("{day_list}", listed), path)
        columns = ", ".join(f"{quote(name)}: {quote(kind)}" for name, kind in table.raw.items())
        source = (
            f"read_csv({quote(str(path))}, header = false, auto_detect = false, delim = ',', quote = '\"', "
            f"escape = '\"', nullstr = '\\N', allow_quoted_nulls = false, columns = {{{columns}}})"
        )
        name = f"staged_{table.name}"
        duck.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_shape(table, source)}")
    return name


def stage_facts(duck: duckdb.DuckDBPyConnection, touched: Mapping[str, Sequence[date]]) -> dict[str, str]:
    """Stage several facts for their days; fact -> name of the temporary table. One COPY each."""
    order_days = set(touched.get(ORDERS.name, ()))
    joining = [table for table in FACTS if table.joined and table.name in touched]
    for table in joining:
        order_days.update(touched[table.name])
    staged = {}
    if order_days:
        staged[ORDERS.name] = stage(duck, ORDERS, sorted(order_days))
    for table in FACTS:
        if table is not ORDERS and table.name in touched:
            staged[table.name] = stage(duck, table, touched[table.name])
    return staged


def _copy_out(select: str, path: Path) -> None:
    """Stream ``select`` into ``path`` as CSV; a null is \\N without quotes, everything else stays a value."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, NULL '\\N')").format(sql.SQL(select))
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        path.open("wb") as out,
        cursor.copy(statement) as copy,
    ):
        for block in copy:
            out.write(block)


def _day_list(days: Sequence[date]) -> str:
    return "'{" + ",".join(day.isoformat() for day in days) + "}'::date[]"


def _shape(table: Table, source: str) -> str:
    """SELECT that makes the columns of ``table`` out of its raw rows, sorted by its key."""
    parts = [f"r.{name}" for name in table.raw]
    parts += [f"o.{name}" for name in table.joined]
    join = f" JOIN staged_{ORDERS.name} o ON o.order_id = r.order_id" if table.joined else ""
    inner = f"SELECT {', '.join(parts)} FROM {source} r{join}"
    derived = [f"CAST({text} AS {kind}) AS {name}" for name, (kind, text) in table.derived.items()]
    if table.grain == "all":
        calendar = []
    else:
        day = "business_date"
        calendar = [
            f"CAST({text.replace('(d)', f'({day})')} AS {kind}) AS {name}" for name, (kind, text) in CALENDAR.items()
        ]
    order = ", ".join(dict.fromkeys((*(("business_date",) if table.grain != "all" else ()), *table.order_by)))
    return f"SELECT {', '.join(['*', *derived, *calendar])} FROM ({inner}) ORDER BY {order}"
