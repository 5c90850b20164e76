"""Importing the demo's 320,705 lines, against a bare COPY of the same lines."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from benchmarks.place import Place, fresh_place
from benchmarks.table import Row
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

HISTORY = Path(__file__).parents[1] / "src" / "tongpan" / "demo" / "data" / "online_retail.csv.gz"
GOAL = 0.15


def measure() -> list[Row]:
    with fresh_place() as place:
        ours = _import(place)
        limit = _in_its_own_process(place)
    rows = ours["rows"]
    ratio = limit["shaped"] / ours["seconds"]
    return [
        Row(
            "import, lines/s",
            f"{rows / ours['seconds']:,.0f}",
            f"{rows / limit['shaped']:,.0f} (COPY of the lines, typed, with keys and checks)",
            f"{ratio:.0%}",
            f">= {GOAL:.0%}",
            ratio >= GOAL,
        ),
        Row(
            "import, lines/s",
            f"{rows / ours['seconds']:,.0f}",
            f"{rows / limit['text']:,.0f} (COPY of the text, no keys)",
            f"{limit['text'] / ours['seconds']:.0%}",
        ),
    ]


def _import(place: Place) -> Any:
    command = [sys.executable, "-m", "tongpan", "import", str(HISTORY), "--format", "uci", "--shop", "bench"]
    done = subprocess.run(
        [*command, "--no-wait", "--json"], env=place.environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _in_its_own_process(place: Place) -> Any:
    """The settings are read once a process: the limit is measured by one that has the place's."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.intake"], env=place.environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _lines() -> Iterator[list[str]]:
    with gzip.open(HISTORY, "rt", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        yield from reader


def copy_text(cursor: Any) -> float:
    """Seconds to read the file and COPY its eight columns as they stand into a table without keys."""
    cursor.execute("CREATE TABLE bench_text (a text, b text, c text, d text, e text, f text, g text, h text)")
    started = time.perf_counter()
    with cursor.copy("COPY bench_text FROM STDIN") as copy:
        for cells in _lines():
            copy.write_row(cells)
    return time.perf_counter() - started


def copy_shaped(cursor: Any) -> float:
    """Seconds to read the file, type every cell, and COPY each line into the real shape of an order line.

    The table has the columns, keys, checks and indexes of ours and no foreign keys; documents, stock, events and
    customers are left out. Nobody who stores typed lines with their keys can be faster with one COPY.
    """
    cursor.execute("CREATE TABLE bench_lines (LIKE orders_orderline INCLUDING ALL)")
    numbers: dict[str, int] = {}
    lines_of: dict[str, int] = {}
    skus: dict[str, int] = {}
    london = ZoneInfo("Europe/London")
    started = time.perf_counter()
    columns = "order_id, line_no, line_key, kind, sku_id, charge_code, name, qty, unit_price, amount_minor, wanted_node"
    with cursor.copy(f"COPY bench_lines ({columns}) FROM STDIN") as copy:
        for invoice, code, name, qty_text, at, price_text, _, _ in _lines():
            order = numbers.setdefault(invoice, len(numbers) + 1)
            line_no = lines_of[invoice] = lines_of.get(invoice, 0) + 1
            price, qty = Decimal(price_text), int(qty_text)
            datetime.fromisoformat(at).replace(tzinfo=london)
            amount = int((price * qty * 100).to_integral_value(ROUND_HALF_UP))
            sku = skus.setdefault(code.upper(), len(skus) + 1)
            copy.write_row((order, line_no, "", "goods", sku, "", name, abs(qty) or 1, price, amount, ""))
    return time.perf_counter() - started


def _print_limits() -> None:
    with database_session(load_config()), connection.cursor() as cursor:
        print(json.dumps({"text": copy_text(cursor), "shaped": copy_shaped(cursor)}))
        cursor.execute("DROP TABLE bench_text, bench_lines")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    _print_limits()
