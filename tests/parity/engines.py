"""The engines that metrics run on, each over the same Parquet files: DuckDB always, the others when installed."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb

from tongpan.analytics.engine.registry import CLICKHOUSE, DUCKDB, SPARK, Engine
from tongpan.analytics.lake.files import DISABLED_OPTIMIZERS
from tongpan.analytics.lake.tables import TABLES

Files = Mapping[str, Sequence[str]]
Row = tuple[Any, ...]

# What the lake never leaves empty. ClickHouse treats such columns differently from nullable ones.
NULLABLE = {
    "customer_id",
    "order_id",
    "sku_id",
    "paid_at",
    "dispatched_at",
    "delivered_at",
    "promised_at",
    "allocated_at",
    "returned_at",
    "paid_minor",
    "is_on_time",
    "launched_on",
    "closed_on",
    "processing_ms",
    "dispatch_hour",
    "channel_id",
    "ready_at",
    "ready_by",
    "due_at",
    "ready_ms",
    "store_sent_ms",
    "store_there_ms",
    "is_ready_in_time",
    "is_sent_in_time",
    "is_there_in_time",
    "node_id",
}


class Runner(Protocol):
    """One engine with the fixture loaded."""

    engine: Engine

    def rows(self, statement: str) -> list[Row]:
        """The rows of ``statement``: integers, texts and None."""
        ...


class Duck:
    """DuckDB as the lake uses it."""

    engine = DUCKDB

    def __init__(self, files: Files, folder: Path) -> None:
        self.connection = duckdb.connect(config={"disabled_optimizers": DISABLED_OPTIMIZERS})
        self.connection.execute("ATTACH ':memory:' AS lake")
        for name, paths in files.items():
            listed = ", ".join(f"'{path}'" for path in paths)
            self.connection.execute(f"CREATE TABLE lake.{name} AS SELECT * FROM read_parquet([{listed}])")

    def rows(self, statement: str) -> list[Row]:
        return self.connection.execute(statement).fetchall()


class PlainDuck(Duck):
    """DuckDB in one thread, without a single optimizer, over the files themselves."""

    def __init__(self, files: Files, folder: Path) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        optimizers = [name for (name,) in self.connection.execute("SELECT * FROM duckdb_optimizers()").fetchall()]
        self.connection.execute(f"SET disabled_optimizers = '{','.join(optimizers)}'")
        self.connection.execute("ATTACH ':memory:' AS lake")
        for name, paths in files.items():
            listed = ", ".join(f"'{path}'" for path in paths)
            self.connection.execute(f"CREATE VIEW lake.{name} AS SELECT * FROM read_parquet([{listed}])")


class ClickHouse:
    """chdb over the files as they are: every column nullable."""

    engine = CLICKHOUSE

    def __init__(self, files: Files, folder: Path) -> None:
        from chdb import session

        self.session = session.Session(str(folder / "clickhouse"))
        for setting in self.engine.settings:
            self.session.query(setting)
        for name, paths in files.items():
            self._load(name, paths)

    def _load(self, name: str, paths: Sequence[str]) -> None:
        union = " UNION ALL ".join(f"SELECT * FROM file('{path}', Parquet)" for path in paths)
        self.session.query(f"CREATE OR REPLACE VIEW {name} AS {union}")

    def rows(self, statement: str) -> list[Row]:
        exact = "output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1"
        answer = json.loads(str(self.session.query(f"{statement} SETTINGS {exact}", "JSONCompact")))
        kinds = [column["type"] for column in answer["meta"]]
        return [tuple(map(_plain, row, kinds)) for row in answer["data"]]


class ClickHouseNotNull(ClickHouse):
    """chdb over tables of its own, whose columns are not nullable where the lake has no nulls."""

    def _load(self, name: str, paths: Sequence[str]) -> None:
        union = " UNION ALL ".join(f"SELECT * FROM file('{path}', Parquet)" for path in paths)
        columns = [
            column
            if column in NULLABLE
            else f"ifNull({column}, defaultValueOfTypeName(toTypeName(assumeNotNull({column})))) AS {column}"
            for column in TABLES[name].columns
        ]
        self.session.query(f"CREATE TABLE {name} ENGINE = Memory AS SELECT {', '.join(columns)} FROM ({union})")


class Spark:
    engine = SPARK

    def __init__(self, files: Files, folder: Path) -> None:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("parity")
        for key, value in {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(folder / "spark"),
            "spark.log.level": "ERROR",
        }.items():
            builder = builder.config(key, value)
        self.spark = builder.getOrCreate()
        for setting in self.engine.settings:
            self.spark.sql(setting)
        for name, paths in files.items():
            self.spark.read.parquet(*paths).cache().createOrReplaceTempView(name)

    def rows(self, statement: str) -> list[Row]:
        return [tuple(map(_integer, row)) for row in self.spark.sql(statement).collect()]


def _plain(value: Any, kind: str) -> Any:
    """A value of ClickHouse's JSON as a Python integer or text."""
    is_number = any(word in kind for word in ("Int", "Decimal"))
    return int(value) if value is not None and is_number else value


def _integer(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else int(value)


def installed() -> dict[str, Callable[[Files, Path], Runner]]:
    """The engines of this environment by name."""
    found: dict[str, Callable[[Files, Path], Runner]] = {"duckdb": Duck, "duckdb-unoptimised": PlainDuck}
    if importlib.util.find_spec("chdb"):
        found |= {"clickhouse": ClickHouse, "clickhouse-not-null": ClickHouseNotNull}
    if importlib.util.find_spec("pyspark"):
        found["spark"] = Spark
    return found
