"""What each engine calls the few things that engines disagree about. The parity suite is the proof of each entry.

Everything that is not here means the same everywhere (``compile`` lets nothing else through).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from tongpan.analytics.engine.ir import Kind


@dataclass(frozen=True, slots=True)
class Engine:
    """One SQL engine.

    dialect: what sqlglot calls it. catalog: prefix of the lake's tables, "" for none. types: kind -> type of a
    typed null. wide_sum: a sum of 64-bit integers that cannot overflow. settings: to be set before any query.
    """

    name: str
    dialect: str
    catalog: str
    types: Mapping[Kind, str]
    wide_sum: Callable[[exp.Expr], exp.Expr]
    settings: tuple[str, ...] = ()

    def null(self, kind: Kind) -> exp.Expr:
        return exp.Cast(this=exp.Null(), to=exp.DataType.build(self.types[kind], dialect=self.dialect))

    def day(self, value: date) -> exp.Expr:
        return exp.Cast(this=exp.Literal.string(value.isoformat()), to=exp.DataType.build("DATE"))

    def double(self, value: exp.Expr) -> exp.Expr:
        return exp.Cast(this=value, to=exp.DataType.build("DOUBLE"))


def _plain_sum(value: exp.Expr) -> exp.Expr:
    return exp.Sum(this=value)


def _decimal_sum(value: exp.Expr) -> exp.Expr:
    """For engines whose integer sum stops at 64 bits: ClickHouse wraps silently, Spark fails."""
    return exp.Sum(this=exp.Cast(this=value, to=exp.DataType.build("DECIMAL(38, 0)")))


DUCKDB = Engine(
    name="duckdb",
    dialect="duckdb",
    catalog="lake",
    types={"integer": "BIGINT", "text": "VARCHAR", "date": "DATE"},
    wide_sum=_plain_sum,
)
CLICKHOUSE = Engine(
    name="clickhouse",
    dialect="clickhouse",
    catalog="",
    types={"integer": "Nullable(Int64)", "text": "Nullable(String)", "date": "Nullable(Date32)"},
    wide_sum=_decimal_sum,
    settings=(
        "SET join_use_nulls = 1",
        "SET aggregate_functions_null_for_empty = 1",
        "SET prefer_column_name_to_alias = 1",
    ),
)
SPARK = Engine(
    name="spark",
    dialect="spark",
    catalog="",
    types={"integer": "BIGINT", "text": "STRING", "date": "DATE"},
    wide_sum=_decimal_sum,
    settings=("SET spark.sql.session.timeZone = UTC", "SET spark.sql.ansi.enabled = true"),
)
ENGINES = {engine.name: engine for engine in (DUCKDB, CLICKHOUSE, SPARK)}
