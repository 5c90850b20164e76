"""A dry run of a routing policy on 100,000 past orders over 500 nodes: its seconds, and that its memory stays flat.

The orders lie 1,000 a day; ten days and a hundred are tried, each by a process of its own, so that their peaks can be
compared.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta
from typing import Any

from benchmarks.place import Place, fresh_place
from benchmarks.routing import NODES, SKUS, make_company
from benchmarks.table import Row
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

A_DAY, DAYS, FEW = 1_000, 100, 10
GOAL_S = 60.0
FLAT = 1.5
"""So many times the memory of the small run is not flat any more."""


def measure() -> list[Row]:
    with fresh_place() as place:
        _process(place, "fill")
        few, all_of_them = _process(place, str(FEW)), _process(place, str(DAYS))
    seconds, peak = all_of_them["seconds"], all_of_them["peak_mb"]
    return [
        Row(
            f"dry run of {all_of_them['orders']:,} past orders over {NODES} nodes",
            f"{seconds:.1f} s",
            goal=f"<= {GOAL_S:g} s",
            is_met=seconds <= GOAL_S,
        ),
        Row(
            "dry run, most memory of the process",
            f"{peak:,.0f} MB",
            f"{few['peak_mb']:,.0f} MB with {few['orders']:,} orders",
            f"{peak / few['peak_mb']:.2f}",
            f"< {FLAT:g} times",
            peak < FLAT * few["peak_mb"],
        ),
    ]


def _process(place: Place, what: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.dry_run", what],
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _fill() -> dict[str, Any]:
    from tongpan.orders.actions import accept
    from tongpan.orders.engine import LineDoc, OrderDoc, ShipTo

    chance, now = random.Random(2), utc_now()
    make_company(random.Random(1))
    for day in range(DAYS):
        at = _first_day(now) + timedelta(days=day, hours=12)
        docs = []
        for number in range(A_DAY):
            skus = chance.sample(range(SKUS), chance.choice((1, 1, 2, 2, 3)))
            where = ShipTo(latitude=round(chance.uniform(22, 42), 4), longitude=round(chance.uniform(100, 122), 4))
            lines = [LineDoc("goods", f"S{sku}", f"S{sku}", chance.randint(1, 2), 1000) for sku in skus]
            placed = at + timedelta(seconds=number)
            # Left already, so that no stock is promised to them.
            docs.append(
                OrderDoc("bench", f"D{day}-{number}", placed, "CNY", lines, ship_to=where, paid_at=placed,
                         dispatched_at=placed + timedelta(hours=6))
            )  # fmt: skip
        accept(docs, actor="bench", now=now)
    execute("ANALYZE")
    return {}


def _first_day(now: datetime) -> datetime:
    return (now - timedelta(days=DAYS + 2)).replace(hour=0, minute=0, second=0, microsecond=0)


def _run(days: int) -> dict[str, Any]:
    from tongpan.fulfillment.dryrun.actions import ask_dry_run, run_dry
    from tongpan.fulfillment.dryrun.engine import Ask
    from tongpan.fulfillment.routing.presets import PRESETS

    now = utc_now()
    first = fetch_all("SELECT min(business_date) FROM orders_order")[0][0]
    ask = Ask("cheapest", 1, PRESETS["cheapest"], first, first + timedelta(days=days))
    run = ask_dry_run(ask, is_queued=False, actor="bench", now=now)
    started = time.perf_counter()
    done = run_dry(run.pk)
    seconds = time.perf_counter() - started
    if done.error or done.total != days * A_DAY:
        raise RuntimeError(done.error or f"{done.total} orders")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
    return {"seconds": seconds, "peak_mb": peak, "orders": done.total}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_fill() if sys.argv[1] == "fill" else _run(int(sys.argv[1]))))
