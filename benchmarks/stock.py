"""A stock file of 20,000 levels, against one COPY and one merge that write the same rows.

Both sides know the SKUs, find their levels, and write a document with its lines, a movement for each changed level,
levels, pools and events, in one transaction. The hand-written side takes no locks, checks nothing and forgives nothing.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from benchmarks.place import Place, fresh_place
from benchmarks.table import Row
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

LEVELS = 20_000
RUNS = 5
GOAL_S = 1.0
GOAL = 0.5
MERGE = """
WITH doc AS (
  INSERT INTO inventory_stockdocument (kind, source, external_id, node_id, occurred_at, actor, reason, is_simulated)
  SELECT 'count', 'merge', %(number)s, id, now(), 'bench', '', false FROM network_node WHERE code = 'wh'
  RETURNING id, node_id),
found AS MATERIALIZED (
  SELECT f.line_no, s.id AS sku_id, doc.node_id, doc.id AS document_id, f.qty, l.on_hand AS book, l.id AS level_id
  FROM bench_file f JOIN catalog_sku s ON s.code = f.code CROSS JOIN doc
  JOIN inventory_level l ON (l.sku_id, l.node_id, l.bucket) = (s.id, doc.node_id, 'saleable')),
lines AS (
  INSERT INTO inventory_stockdocumentline (document_id, line_no, sku_id, bucket, qty, book_qty, applied, note)
  SELECT document_id, line_no, sku_id, 'saleable', qty, book, qty - book, '' FROM found),
moved AS (
  INSERT INTO inventory_movement (sku_id, node_id, bucket, kind, on_hand_delta, allocated_delta, held_delta,
                                  cause_type, cause_id, occurred_at, reason, actor)
  SELECT sku_id, node_id, 'saleable', 'counted', qty - book, 0, 0, 'stock_document', document_id, now(), '', 'bench'
  FROM found WHERE qty <> book),
levels AS (
  UPDATE inventory_level l SET on_hand = f.qty FROM found f WHERE l.id = f.level_id AND f.qty <> f.book),
pools AS (
  UPDATE inventory_pool p SET on_hand = p.on_hand + f.qty - f.book FROM found f
  WHERE p.sku_id = f.sku_id AND f.qty <> f.book)
INSERT INTO core_event (name, key, payload)
SELECT 'stock.changed', sku_id::text, jsonb_build_object('gained', qty > book) FROM found WHERE qty <> book"""


def measure() -> list[Row]:
    with fresh_place() as place:
        taken = _in_its_own_process(place)
    rows = [
        _row("stock file, 20,000 levels, all changed", taken["ours"], taken["limit"]),
        _row("stock file, 20,000 levels, one in ten changed", taken["ours_few"], taken["limit_few"]),
        Row("stock file, 20,000 levels, from the CSV on disk to booked", f"{taken['file']:.2f} s"),
    ]
    return rows


def _row(what: str, ours: float, limit: float) -> Row:
    return Row(
        what,
        f"{ours:.3f} s",
        f"{limit:.3f} s (COPY + one merge)",
        f"{limit / ours:.0%}",
        f"<= {GOAL_S:g} s, >= {GOAL:.0%}",
        ours <= GOAL_S and limit / ours >= GOAL,
    )


def _in_its_own_process(place: Place) -> Any:
    """The settings are read once a process: everything is measured by one that has the place's."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.stock"], env=place.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def _quantities(run: int, every: int) -> list[tuple[str, int]]:
    """(SKU, units) of each row; only each ``every``-th differs from one run to the next."""
    return [(f"SKU-{n:05}", 100 + (run if n % every == 0 else 0)) for n in range(LEVELS)]


def _times() -> dict[str, float]:
    from tongpan.connectors.actions import import_path
    from tongpan.inventory.actions import count
    from tongpan.inventory.engine import CountDoc, StockLine
    from tongpan.inventory.queries import reconcile
    from tongpan.network.actions import save_nodes
    from tongpan.network.engine import NodeSpec

    def ours(name: str, rows: list[tuple[str, int]]) -> None:
        lines = [StockLine(code, qty) for code, qty in rows]
        [outcome] = count([CountDoc("bench", name, "wh", utc_now(), lines)], actor="bench", now=utc_now())
        if outcome.state != "accepted":
            raise RuntimeError(outcome.reason)

    def hand_written(name: str, rows: list[tuple[str, int]]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE bench_file (line_no int, code text, qty bigint) ON COMMIT DROP")
            with cursor.copy("COPY bench_file FROM STDIN") as copy:
                for n, (code, qty) in enumerate(rows, 1):
                    copy.write_row((n, code, qty))
            cursor.execute("ANALYZE bench_file")
            cursor.execute(MERGE, {"number": name})

    def least(every: int, first: int) -> tuple[float, float]:
        """The least seconds of each side, taken in turns, so that a busy machine is busy for both."""
        times: dict[Callable[[str, list[tuple[str, int]]], None], list[float]] = {ours: [], hand_written: []}
        for run in range(first, first + RUNS * 2):
            side = ours if run % 2 else hand_written
            rows = _quantities(run, every)
            started = time.perf_counter()
            side(f"run-{every}-{run}", rows)
            times[side].append(time.perf_counter() - started)
        return min(times[ours]), min(times[hand_written])

    save_nodes([NodeSpec("wh", "central", "Warehouse")], actor="bench", now=utc_now())
    ours("opening", _quantities(0, 1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    all_ours, all_limit = least(1, 1)
    few_ours, few_limit = least(10, 1 + RUNS * 2)
    path = load_config().data_dir / "levels.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("node", "sku", "qty"))
        writer.writerows(("wh", code, qty) for code, qty in _quantities(99, 1))
    told = import_path(path, format_name="stock-levels", actor="bench", now=utc_now())
    if told["accepted"] != LEVELS:
        raise RuntimeError(f"Only {told['accepted']} of {LEVELS} rows were taken.")
    if differences := reconcile().differences:
        raise RuntimeError(f"The book does not add up: {differences[:3]}")
    return {
        "ours": all_ours,
        "limit": all_limit,
        "ours_few": few_ours,
        "limit_few": few_limit,
        "file": told["seconds"],
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_times()))
