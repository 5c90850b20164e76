"""A generated lake: three years of daily files as the writer lays them out, with any number of order lines."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

from tongpan.analytics.lake.dimensions import DIM_CHANNEL
from tongpan.analytics.lake.table import CALENDAR, Table
from tongpan.analytics.lake.tables import ORDER_LINES, ORDERS, RETURNS

FIRST_DAY = date(2024, 1, 1)
DAYS = 1096
LINES_PER_ORDER = 3
CHANNELS = 8
ORDERS_PER_BUYER = 7
SKUS = 20_000
# Orders of one stretch are generated at once: bounds the memory at any size.
STRETCH_DAYS = 60


def generate(folder: Path, lines: int) -> None:
    """Write orders, order lines, returns and channels of ``lines`` order lines below ``folder``."""
    orders = lines // LINES_PER_ORDER
    duck = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    for table in (ORDERS, ORDER_LINES, RETURNS, DIM_CHANNEL):
        (folder / table.name).mkdir(parents=True)
    duck.execute(
        f"CREATE TABLE channels AS SELECT 1 + n AS channel_id, 'channel' || n AS channel_code, '渠道' AS name_zh, "
        f"'Channel' AS name_en FROM range({CHANNELS}) t(n)"
    )
    _write(duck, DIM_CHANNEL, "channels", folder / "dim_channel" / "all.parquet")
    for start in range(0, DAYS, STRETCH_DAYS):
        first, last = orders * start // DAYS, orders * min(start + STRETCH_DAYS, DAYS) // DAYS
        _generate_stretch(duck, first, last, orders)
        for n in range(start, min(start + STRETCH_DAYS, DAYS)):
            day = FIRST_DAY + timedelta(days=n)
            for table, source in ((ORDERS, "stretch"), (ORDER_LINES, "stretch_lines"), (RETURNS, "stretch_returns")):
                _write(duck, table, source, folder / table.name / f"{day}.parquet", day)


def _generate_stretch(duck: duckdb.DuckDBPyConnection, first: int, last: int, orders: int) -> None:
    """Orders [first, last) with everything that depends on them; spread evenly over the days, shuffled by hash."""
    buyers = max(orders // ORDERS_PER_BUYER, 1)
    calendar = ", ".join(
        f"CAST({text.replace('(d)', '(business_date)')} AS {kind}) AS {name}" for name, (kind, text) in CALENDAR.items()
    )
    duck.execute(
        f"""CREATE OR REPLACE TABLE stretch AS SELECT *, {calendar} FROM (
              SELECT n AS order_id, 'E' || n AS external_id, 1 + hash(n) % {CHANNELS} AS channel_id,
                     1 + hash(n) % {CHANNELS} AS shop_id,
                     CASE WHEN hash(n, 1) % 10 < 8 THEN hash(n, 2) % {buyers} END AS customer_id,
                     DATE '{FIRST_DAY}' + CAST(n * {DAYS} // {orders} AS INTEGER) AS business_date,
                     'dispatched' AS status, 'CNY' AS currency, n * 4294967296 + n AS placed_rank,
                     1000 + hash(n, 3) % 50000 AS goods_minor, 500 AS charges_minor,
                     1500 + hash(n, 3) % 50000 AS total_minor, 1 + hash(n, 4) % 9 AS units,
                     '省' || hash(n, 5) % 31 AS province, '市' || hash(n, 5) % 300 AS city,
                     hash(n, 6) % 10 < 9 AS is_paid, hash(n, 6) % 20 = 0 AS is_cancelled, false AS is_simulated,
                     CASE WHEN hash(n, 7) % 3 > 0 THEN hash(n, 7) % 10 < 8 END AS is_on_time
              FROM range({first}, {last}) t(n))"""
    )
    duck.execute(
        f"""CREATE OR REPLACE TABLE stretch_lines AS
            SELECT s.*, line_no, 'goods' AS kind, true AS is_goods, hash(order_id, line_no) % {SKUS} AS sku_id,
                   '' AS charge_code, 1 + hash(order_id, line_no) % 5 AS qty,
                   total_minor // {LINES_PER_ORDER} AS amount_minor
            FROM stretch s, range(1, {LINES_PER_ORDER + 1}) l(line_no)"""
    )
    duck.execute(
        """CREATE OR REPLACE TABLE stretch_returns AS
           SELECT * REPLACE (-CAST(goods_minor AS BIGINT) AS goods_minor, 0 AS charges_minor,
                             -CAST(goods_minor AS BIGINT) AS total_minor),
                  order_id AS return_id FROM stretch WHERE hash(order_id, 8) % 20 = 0"""
    )


def _write(duck: duckdb.DuckDBPyConnection, table: Table, source: str, path: Path, day: date | None = None) -> None:
    """One file with all columns of ``table``, in its order; those that ``source`` does not have are null."""
    known = {row[0] for row in duck.execute(f"DESCRIBE {source}").fetchall()}
    columns = ", ".join(
        f"CAST({name if name in known else 'NULL'} AS {kind}) AS {name}" for name, kind in table.columns.items()
    )
    where = f"WHERE business_date = DATE '{day}'" if day else ""
    duck.execute(
        f"COPY (SELECT {columns} FROM {source} {where} ORDER BY {', '.join(table.order_by)}) "
        f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false)"
    )
