"""100,000 unique coupon codes: made, stored and written as CSV, on one core.

The limit beside it is what storing as many bare rows by one statement takes.
"""

from __future__ import annotations

import json
import os
import time

from django.db import connection

from benchmarks.orders import in_its_own_process
from benchmarks.place import fresh_place
from benchmarks.table import Row
from tongpan.core.bulk import execute
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

COUNT = 100_000
GOAL_SECONDS = 5.0


def measure() -> list[Row]:
    with fresh_place() as place:
        taken = in_its_own_process(place, "benchmarks.coupons")
    whole = taken["stored"] + taken["spelt"]
    return [
        Row(
            f"{COUNT:,} unique coupon codes, stored and spelt",
            f"{whole:.2f} s ({taken['stored']:.2f} s stored, {taken['spelt']:.2f} s spelt)",
            f"{taken['bare']:.2f} s (as many bare rows in one INSERT)",
            "",
            f"< {GOAL_SECONDS:.0f} s",
            whole < GOAL_SECONDS,
        )
    ]


def _times() -> dict[str, float]:
    from tongpan.promotions.actions import save_draft
    from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons
    from tongpan.promotions.coupon_queries import codes_of

    now = utc_now()
    rule = {"code": "c", "kind": "amount", "scope": {"all": True}, "benefit": {"amount_minor": 1}, "needs_coupon": True}
    save_draft("bench", {"rules": [rule]}, actor="bench", now=now)
    batch = create_batch(BatchSpec("Bench", "c", now, count=COUNT), actor="bench", now=now)
    started = time.perf_counter()
    make_coupons(batch.pk)
    stored = time.perf_counter() - started
    started = time.perf_counter()
    codes = {code for code, _ in codes_of(batch.pk)}
    spelt = time.perf_counter() - started
    if len(codes) != COUNT:
        raise RuntimeError(f"{len(codes)} different codes of {COUNT}")
    execute("CREATE TABLE bench_codes (id bigint PRIMARY KEY, number bigint UNIQUE, state text)")
    started = time.perf_counter()
    execute("INSERT INTO bench_codes SELECT n, n, 'issued' FROM generate_series(1, %s) n", [COUNT])
    return {"stored": stored, "spelt": spelt, "bare": time.perf_counter() - started}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_times()))
        connection.close()
