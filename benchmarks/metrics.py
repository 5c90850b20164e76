"""Each metric by channel and month, against hand-written DuckDB SQL over the same files.

The lake is generated: ``LINES`` order lines (``TONGPAN_BENCH_LINES``, 2 million by default; the design's goal is for
20 million) over three years in daily files, as the writer lays them out. ``TONGPAN_BENCH_LAKE`` names a folder to
keep it in. Ours is what ``queries`` would run: planned, compiled, executed, fetched; the hand-written side is only
executed and fetched, on a DuckDB with its own defaults. Both read the files themselves, not a copy in memory.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.lake_of_any_size import generate
from benchmarks.table import Row
from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.compile import to_sql
from tongpan.analytics.engine.plan import plan
from tongpan.analytics.engine.registry import DUCKDB
from tongpan.analytics.engine.request import Chosen, Request
from tongpan.analytics.lake.files import DISABLED_OPTIMIZERS

LINES = int(os.environ.get("TONGPAN_BENCH_LINES", "2000000"))
GOAL = 1.2
RUNS = 9
SETTINGS: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "memory_limit": "4GB"}

BY = "GROUP BY ALL ORDER BY ALL"
NAMED = "FROM lake.orders o JOIN lake.dim_channel c USING (channel_id)"
HAND_WRITTEN = {
    "gmv": f"SELECT channel_code, month, sum(total_minor) {NAMED} {BY}",
    "orders": f"SELECT channel_code, month, count(*) {NAMED} {BY}",
    "buyers": f"SELECT channel_code, month, count(DISTINCT customer_id) {NAMED} {BY}",
    "aov": f"SELECT channel_code, month, sum(total_minor) AS gmv, count(*) AS orders {NAMED} {BY}",
    "units": f"SELECT channel_code, month, sum(units) {NAMED} {BY}",
    "return_rate": """
        WITH sold AS (SELECT channel_id, month, sum(goods_minor) AS sold FROM lake.orders GROUP BY ALL),
             back AS (SELECT channel_id, month, -sum(goods_minor) AS back FROM lake.returns GROUP BY ALL)
        SELECT channel_code, month, back, sold FROM sold FULL JOIN back USING (channel_id, month)
        JOIN lake.dim_channel USING (channel_id) ORDER BY ALL""",
    "repurchase_rate": """
        WITH months AS (SELECT DISTINCT month, date_trunc('month', business_date) + INTERVAL 1 MONTH AS month_end
                        FROM lake.orders),
             ends AS (SELECT month, least(month_end, (SELECT max(business_date) + 1 FROM lake.orders)) AS end_day
                      FROM months),
             buyers AS (SELECT channel_id, e.month, customer_id, count(*) AS n
                        FROM lake.orders o JOIN ends e
                          ON o.business_date < e.end_day AND o.business_date >= e.end_day - INTERVAL 365 DAY
                        WHERE customer_id IS NOT NULL GROUP BY ALL)
        SELECT channel_code, month, count(*) FILTER (n >= 2), count(*) FROM buyers
        JOIN lake.dim_channel USING (channel_id) GROUP BY ALL ORDER BY ALL""",
    "gmv_share": """
        WITH by_channel AS (SELECT channel_id, month, sum(total_minor) AS gmv FROM lake.orders GROUP BY ALL)
        SELECT channel_code, month, gmv, sum(gmv) OVER (PARTITION BY month) AS total
        FROM by_channel JOIN lake.dim_channel USING (channel_id) ORDER BY channel_code, month""",
    "new_buyers": """
        WITH firsts AS (SELECT customer_id, min(placed_rank) AS placed_rank FROM lake.orders
                        WHERE customer_id IS NOT NULL GROUP BY customer_id)
        SELECT channel_code, month, count(*) FROM lake.orders JOIN firsts USING (customer_id, placed_rank)
        JOIN lake.dim_channel USING (channel_id) GROUP BY ALL ORDER BY ALL""",
    "on_time_rate": f"""
        SELECT channel_code, month, count(*) FILTER (is_on_time), count(is_on_time) {NAMED} {BY}""",
}


def measure() -> list[Row]:
    with _lake() as folder:
        ours = _connection(folder, {"disabled_optimizers": DISABLED_OPTIMIZERS})
        theirs = _connection(folder, {})
        first, last = theirs.execute("SELECT min(business_date), max(business_date) FROM lake.orders").fetchall()[0]
        history = (first, date.fromordinal(last.toordinal() + 1))
        wanted = os.environ.get("TONGPAN_BENCH_METRICS", "").split(",")
        keys = [key for key in HAND_WRITTEN if wanted == [""] or key in wanted]
        return [_compare(key, ours, theirs, history) for key in keys]


def _compare(
    key: str, ours: duckdb.DuckDBPyConnection, theirs: duckdb.DuckDBPyConnection, history: tuple[date, date]
) -> Row:
    metric, dimensions = catalogue().metrics[key], catalogue().dimensions
    chosen = Chosen(metric, tuple((setting.key, setting.default) for setting in metric.settings))
    request = Request((chosen,), (dimensions["channel"], dimensions["month"]), history)

    def run_ours() -> list[tuple[Any, ...]]:
        return ours.execute(to_sql(plan(request).query, DUCKDB)).fetchall()

    def run_theirs() -> list[tuple[Any, ...]]:
        return theirs.execute(HAND_WRITTEN[key]).fetchall()

    if run_ours() != run_theirs():
        raise RuntimeError(f"The hand-written {key} has another answer: one of the two is wrong.")
    seconds, limit = _alternating(run_ours, run_theirs)
    ratio = seconds / limit
    return Row(
        f"metric {key} by channel, month; {LINES / 1e6:g} M lines",
        f"{seconds * 1000:,.0f} ms",
        f"{limit * 1000:,.0f} ms (hand-written SQL)",
        f"{ratio:.2f} x",
        f"<= {GOAL} x",
        ratio <= GOAL,
    )


def _alternating(*works: Callable[[], object]) -> tuple[float, ...]:
    """The least seconds of each of ``works``; taken in turns, so that a busy machine is busy for all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(RUNS):
        for work, taken in zip(works, times, strict=True):
            started = time.perf_counter()
            work()
            taken.append(time.perf_counter() - started)
    return tuple(min(taken) for taken in times)


def _connection(folder: Path, more: dict[str, str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config=SETTINGS | more)
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("ATTACH ':memory:' AS lake")
    for table in sorted(path.name for path in folder.iterdir()):
        files = ", ".join(f"'{path}'" for path in sorted((folder / table).glob("*.parquet")))
        connection.execute(f"CREATE VIEW lake.{table} AS SELECT * FROM read_parquet([{files}])")
    return connection


@contextmanager
def _lake() -> Iterator[Path]:
    kept = os.environ.get("TONGPAN_BENCH_LAKE")
    if kept:
        folder = Path(kept)
        if not folder.exists():
            generate(folder, LINES)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="tongpan-bench-") as name:
        generate(Path(name), LINES)
        yield Path(name)
