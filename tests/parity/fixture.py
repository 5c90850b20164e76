"""One generated lake with everything that makes engines disagree, as Parquet files.

Nulls in keys and measures, empty texts beside Chinese ones, negative and zero amounts, ties, month ends and ISO
years, an empty partition, groups of one row, and amounts whose sum does not fit into 64 bits.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tongpan.analytics.engine.calendar import GRAINS, key_of, second_of
from tongpan.analytics.lake.table import Table
from tongpan.analytics.lake.tables import TABLES

SEED = 20261118
ORDERS = 400
HUGE = 2**62
DAYS = [date(2024, 12, 29) + timedelta(days=n) for n in range(0, 420, 3)] + [date(2025, 1, 31), date(2024, 12, 31)]
PROVINCES = ["", "浙江省", "江苏省", "Île-de-France", "a'b\"c"]
CALENDAR_COLUMN = {"day": "day", "week": "iso_week", "month": "month", "quarter": "quarter", "year": "year"}


def write_fixture(folder: Path) -> dict[str, list[str]]:
    """Write every table of the lake under ``folder``; table -> its files. ``orders`` has several, one empty."""
    rows = _rows(random.Random(SEED))
    duck = duckdb.connect()
    files: dict[str, list[str]] = {}
    for table in TABLES.values():
        of_table = rows.get(table.name, [])
        parts = [of_table[::2], of_table[1::2], []] if table.grain == "day" else [of_table]
        files[table.name] = [
            _write(duck, table, part, folder / f"{table.name}.{n}.parquet") for n, part in enumerate(parts)
        ]
    return files


def _write(duck: duckdb.DuckDBPyConnection, table: Table, rows: list[dict[str, Any]], path: Path) -> str:
    columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
    duck.execute(f"CREATE OR REPLACE TABLE part ({columns})")
    if rows:
        marks = ", ".join("?" for _ in table.columns)
        duck.executemany(f"INSERT INTO part VALUES ({marks})", [[row.get(c) for c in table.columns] for row in rows])
    duck.execute(f"COPY part TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return str(path)


def _rows(dice: random.Random) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for channel in range(1, 5):
        tables["dim_channel"].append(
            {
                "channel_id": channel,
                "channel_code": f"ch{channel}",
                "name_zh": "渠道",
                "name_en": "x",
                "position": channel,
            }
        )
        for tree in ("class", "ownership", "role"):
            if channel != 4:  # a channel without classes
                tables["dim_channel_facet"].append(
                    {
                        "channel_id": channel,
                        "tree": tree,
                        "facet_code": f"{tree}.{channel % 2}+z",
                        "top_code": f"{tree}.{channel % 2}",
                    }
                )
        for shop in (2 * channel - 1, 2 * channel):
            tables["dim_shop"].append({"shop_id": shop, "shop_code": f"店{shop}", "channel_id": channel})
    for sku in range(1, 12):
        tables["dim_sku"].append(
            {
                "sku_id": sku,
                "sku_code": f"SKU{sku:02d}",
                "product_id": sku // 3,
                "product_code": f"P{sku // 3}",
                "category_code": "" if sku > 9 else f"类{sku % 3}",
            }
        )
    for node in (1, 2):
        tables["dim_node"].append({"node_id": node, "node_code": f"n{node}"})
    for number in range(1, ORDERS + 1):
        _order(dice, number, tables)
    for number in range(1, 120):
        _return(dice, number, tables)
    for channel, node in ((1, 1), (1, 2), (2, 2), (3, 1)):  # channel 4 is served by none
        tables["dim_service"].append({"channel_id": channel, "node_id": node})
    for number in range(1, 400):
        _stock(dice, number, tables)
    for day in DAYS[::7]:
        _daily(dice, day, tables)
    return tables


def _head(dice: random.Random, number: int) -> dict[str, Any]:
    shop = dice.choice([1, 2, 3, 4, 5, 7])  # shops 6 and 8 sell nothing
    day = dice.choice(DAYS)
    placed = datetime(day.year, day.month, day.day, dice.choice([0, 9]), dice.randrange(2), tzinfo=UTC)
    return {
        "shop_id": shop,
        "channel_id": (shop + 1) // 2,
        "customer_id": dice.choice([None, *range(1, 40)]),
        "business_date": day,
        **{CALENDAR_COLUMN[grain]: key_of(grain, day) for grain in GRAINS},
        "currency": "JPY" if shop == 7 else "CNY",
        "province": dice.choice(PROVINCES),
        "city": dice.choice(["", "杭州市", "南京市"]),
        "placed_at": placed,
        "placed_rank": int(placed.timestamp() - 1262304000) * 2**32 + number,
        "is_paid": dice.random() < 0.7,
        "is_cancelled": dice.random() < 0.1,
        "is_simulated": False,
        "is_delivered": dice.random() < 0.6,
        "method": dice.choice(["ship", "ship", "pickup", "instant"]),
    }


def _amount(dice: random.Random) -> int:
    return dice.choice([0, -250, 1, 999, 1000, 1000, dice.randrange(-5000, 90000), HUGE])


def _order(dice: random.Random, number: int, tables: dict[str, list[dict[str, Any]]]) -> None:
    head = _head(dice, number) | {"order_id": number, "external_id": f"单{number}"}
    on_time = dice.choice([None, True, False])
    goods = charges = units = 0
    for line in range(1, dice.choice([1, 1, 2, 5]) + 1):
        is_goods = dice.random() < 0.85
        amount, qty = _amount(dice), dice.randrange(1, 6)
        if is_goods:
            goods, units = goods + amount, units + qty
        else:
            charges += amount
        tables["order_lines"].append(
            head
            | {
                "line_no": line,
                "kind": "goods" if is_goods else "charge",
                "is_goods": is_goods,
                "sku_id": dice.randrange(1, 12) if is_goods else None,
                "charge_code": "" if is_goods else "POST",
                "qty": qty,
                "amount_minor": amount,
            }
        )
    # A single order stays within 64 bits; only sums over orders leave them.
    if abs(goods) > 2**63 - 1 or abs(goods + charges) > 2**63 - 1 or abs(charges) > 2**63 - 1:
        del tables["order_lines"][-line:]
        goods = charges = units = 0
    tables["orders"].append(
        head
        | {
            "goods_minor": goods,
            "charges_minor": charges,
            "total_minor": goods + charges,
            "units": units,
            "status": "cancelled" if head["is_cancelled"] else "paid",
            "paid_minor": dice.choice([None, goods]),
            "refunded_minor": 0,
            "is_on_time": on_time,
            "processing_ms": dice.choice([None, 0, dice.randrange(10**9)]),
            "dispatch_hour": dice.choice([None, number % 7, number]),
        }
    )
    if dice.random() < 0.4:
        _case(dice, head, tables)
    for part in range(dice.choice([0, 1, 2])):
        tables["fulfillments"].append(
            head
            | {
                "fulfillment_id": number * 10 + part,
                "node_id": dice.choice([1, 2]),
                "status": "dispatched",
                "units": 1,
                "is_on_time": dice.choice([None, True, False]),
                "processing_ms": dice.choice([None, dice.randrange(10**9)]),
                **{
                    name: dice.choice([None, dice.randrange(10**9)])
                    for name in ("ready_ms", "store_sent_ms", "store_there_ms")
                },
                **{
                    name: dice.choice([None, True, False])
                    for name in ("is_ready_in_time", "is_sent_in_time", "is_there_in_time")
                },
            }
        )


def _case(dice: random.Random, head: dict[str, Any], tables: dict[str, list[dict[str, Any]]]) -> None:
    """A request after the sale with one line or two."""
    for line in range(1, dice.choice([1, 1, 2]) + 1):
        tables["return_cases"].append(
            head
            | {
                "case_id": head["order_id"] * 3,
                "line_no": line,
                "kind": "return",
                "status": "closed",
                "reason": dice.choice(["defective", "no_reason", "wrong_size"]),
                "nature": dice.choice(["quality", "other"]),
                "sku_id": dice.randrange(1, 12),
                "node_id": dice.choice([None, 1, 2]),
                "qty": dice.randrange(1, 4),
                "is_back": dice.random() < 0.8,
            }
        )


def _return(dice: random.Random, number: int, tables: dict[str, list[dict[str, Any]]]) -> None:
    head = _head(dice, number) | {"return_id": number, "order_id": dice.choice([None, number])}
    amount = -abs(_amount(dice))
    tables["returns"].append(
        head
        | {
            "external_id": f"退{number}",
            "status": "restocked",
            "goods_minor": amount,
            "charges_minor": 0,
            "total_minor": amount,
            "units": 1,
        }
    )
    tables["return_lines"].append(
        head
        | {
            "line_no": 1,
            "kind": "goods",
            "is_goods": True,
            "sku_id": dice.randrange(1, 12),
            "charge_code": "",
            "qty": 1,
            "amount_minor": amount,
        }
    )


def _calendar(day: date) -> dict[str, Any]:
    return {"business_date": day} | {CALENDAR_COLUMN[grain]: key_of(grain, day) for grain in GRAINS}


def _stock(dice: random.Random, number: int, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Stock that comes and goes, and counts of it."""
    day = dice.choice(DAYS)
    kind = dice.choice(["adjusted", "returned", "dispatched", "dispatched"])
    units = -dice.randrange(1, 9) if kind == "dispatched" else dice.randrange(1, 30)
    place = _calendar(day) | {"node_id": dice.choice([1, 2]), "sku_id": dice.randrange(1, 12)}
    tables["stock_moves"].append(
        place
        | {
            "kind": kind,
            "channel_id": dice.choice([None, 1, 2, 3, 4]) if kind == "dispatched" else None,
            "units": units,
            "unit_seconds": units * (second_of(day) + dice.randrange(86_400)),
        }
    )
    book, off = dice.choice([0, 1, 7, 200]), dice.choice([0, 0, 1, -1, 300])
    tables["count_lines"].append(
        place
        | {
            "line_id": number,
            "sheet_id": number // 5,
            "bucket": "saleable",
            "book_units": book,
            "counted_units": max(0, book + off),
            "right_units": book - abs(max(0, book + off) - book),
            "is_exact": max(0, book + off) == book,
        }
    )


def _daily(dice: random.Random, day: date, tables: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("data_sync_error_rate", "customer_sync_rate", "price_floating", "price_in_band_rate"):
        for channel in (None, 1, 3):
            base = dice.choice([0, 5, 1000])
            tables["daily_values"].append(
                _calendar(day)
                | {
                    "name": name,
                    "channel_id": channel,
                    "number": dice.randrange(base + 1),
                    "base": base,
                    "is_total": channel is None,
                }
            )
