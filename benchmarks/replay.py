"""A replay of 300,000 past orders through a rulebook: its seconds, and that its memory stays flat.

Two to three lines an order, 100 rules on three channels: percentages, steps, sets, flash sales with quotas, members and
first orders, gifts. Two runs of a tenth and of all orders go by a process each, so that their peaks can be compared.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from datetime import date, timedelta
from typing import Any

from benchmarks.place import Place, fresh_place
from benchmarks.table import Row
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

A_DAY, DAYS, FEW, SKUS, RULES = 3_000, 100, 10, 5_000, 100
FIRST = date(2026, 3, 1)
STEPS = [{"from_minor": 10_000, "amount_minor": 900}, {"from_minor": 20_000, "amount_minor": 2_500}]
GOAL_S = 60.0
FLAT = 1.5
"""So many times the memory of the small run is not flat any more."""


def measure() -> list[Row]:
    with fresh_place() as place:
        _process(place, "fill")
        few, whole = _process(place, str(FEW)), _process(place, str(DAYS))
    seconds, peak = whole["seconds"], whole["peak_mb"]
    return [
        Row(
            f"replay of {whole['orders']:,} past orders by {RULES} rules, {whole['touched']:,} kept with their lines",
            f"{seconds:.1f} s",
            f"{whole['cpu']:.1f} s of one processor",
            goal=f"<= {GOAL_S:g} s",
            is_met=seconds <= GOAL_S,
        ),
        Row(
            "replay, most memory of the process",
            f"{peak:,.0f} MB",
            f"{few['peak_mb']:,.0f} MB with {few['orders']:,} orders",
            f"{peak / few['peak_mb']:.2f}",
            f"< {FLAT:g} times",
            peak < FLAT * few["peak_mb"],
        ),
    ]


def _process(place: Place, what: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.replay", what],
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _fill() -> dict[str, Any]:
    from tongpan.catalog.actions import SkuSpec, ensure_skus
    from tongpan.channels.actions import save_channels, save_shops
    from tongpan.channels.engine import ChannelSpec, ShopSpec
    from tongpan.promotions.actions import save_draft

    by: dict[str, Any] = {"actor": "bench", "now": utc_now()}
    names = ["tmall", "jd", "douyin"]
    save_channels([ChannelSpec(name, name, name) for name in names], **by)
    save_shops([ShopSpec(f"{name}-1", name, name) for name in names], **by)
    ensure_skus({f"S{number}": SkuSpec(f"S{number}") for number in range(SKUS)})
    execute(
        """INSERT INTO pricing_skucost (sku_id, currency, amount_minor, valid, created_by, created_at)
           SELECT id, 'CNY', 300, tstzrange('2020-01-01', NULL), 'bench', now() FROM catalog_sku"""
    )
    execute(
        """INSERT INTO customers_customer (code, name_sealed, province, city, first_seen_at)
           SELECT 'C' || n, '', '', '', '2026-01-01' FROM generate_series(1, 60000) n"""
    )
    execute(
        """INSERT INTO orders_order (shop_id, channel_id, customer_id, external_id, digest, superseded, status,
                                     channel_status, business_date, placed_at, paid_at, currency, goods_minor,
                                     charges_minor, total_minor, refunded_minor, units, ship_province, ship_city,
                                     recipient_sealed, is_simulated)
           SELECT s.id, s.channel_id, k.first + n %% 60000, 'R' || n, '\\x00', '', 'paid', '', day, at, at, 'CNY',
                  0, 0, 0, 0, 0, '浙江省', '', '', false
           FROM (SELECT n, (%(first)s::date + n / %(a_day)s) AS day,
                        (%(first)s::date + n / %(a_day)s)::timestamp AT TIME ZONE 'Asia/Shanghai'
                          + (n %% %(a_day)s) * interval '28 seconds' AS at
                 FROM generate_series(0, %(all)s - 1) n) o
           JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id, channel_id FROM channels_shop) s
             ON s.place = o.n %% 3
           CROSS JOIN (SELECT min(id) AS first FROM customers_customer) k ORDER BY n""",
        {"first": FIRST, "a_day": A_DAY, "all": A_DAY * DAYS},
    )
    execute(
        """INSERT INTO orders_orderline (order_id, line_no, line_key, kind, sku_id, charge_code, name, qty,
                                         amount_minor, wanted_node, part)
           SELECT o.id, l, '', 'goods', k.first + (o.id * 7919 + l * 104729) %% %(skus)s, '', '', 1 + (o.id + l) %% 2,
                  (1 + (o.id + l) %% 2) * (900 + (o.id * 31 + l * 97) %% 9000), '', 1
           FROM orders_order o CROSS JOIN generate_series(1, 3) l
           CROSS JOIN (SELECT min(id) AS first FROM catalog_sku) k WHERE l < 3 OR o.id %% 2 = 0 ORDER BY o.id, l""",
        {"skus": SKUS},
    )
    execute("ANALYZE")
    save_draft("bench", _document(random.Random(3)), **by)
    return {}


def _document(chance: random.Random) -> dict[str, Any]:
    return {
        "stack": [["item", "order"], ["item", "bundle"], ["order", "bundle"]],
        "rules": [_rule(number, chance) for number in range(RULES)],
    }


def _rule(number: int, chance: random.Random) -> dict[str, Any]:
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("percent", {"percent": chance.randint(5, 30)}),
        ("timed", {"amount_minor": chance.randint(100, 400), "per": "unit"}),
        ("flash_sale", {"price_minor": chance.randint(500, 2_000)}),
        ("stepped", {"steps": STEPS}),
        ("nth_item", {"n": 2, "percent": 50}),
        ("first_order", {"amount_minor": 500}),
        ("gift", {"gifts": [{"sku": "S1"}]}),
    )  # fmt: skip
    kind, benefit = kinds[number % len(kinds)]
    scope: dict[str, Any] = {"skus": sorted({f"S{chance.randrange(SKUS)}" for _ in range(250)})}
    rule: dict[str, Any] = {"code": f"r{number}", "kind": kind, "benefit": benefit, "scope": scope}
    if number < 4:
        rule["scope"] = {"all": True}
    rule["conditions"] = {"channels": [chance.choice(["tmall", "jd", "douyin"])]}
    rule["payers"] = {"shop": 70, "platform": 30} if number % 4 == 0 else {"shop": 1}
    if kind in ("timed", "flash_sale"):
        rule["window"] = {"starts_at": "2026-01-01", "ends_at": "2026-12-31"}
    if kind == "flash_sale":
        rule["limits"] = {"units": 2_000, "units_per_customer": 2}
    if kind == "gift":
        rule["conditions"]["min_minor"] = 15_000
    return rule


def _run(days: int) -> dict[str, Any]:
    from tongpan.orders.replaying.actions import ask_replay, run_replay
    from tongpan.orders.replaying.basics import Ask

    ask = Ask("bench", FIRST, FIRST + timedelta(days=days))
    run = ask_replay(ask, is_queued=False, actor="bench", now=utc_now())
    started, began = time.perf_counter(), time.process_time()
    done = run_replay(run.pk)
    seconds, cpu = time.perf_counter() - started, time.process_time() - began
    if done.error or done.total != days * A_DAY or not done.result["changed"]:
        raise RuntimeError(done.error or f"{done.total} orders")
    touched = fetch_all("SELECT count(*) FROM orders_replayorder WHERE run_id = %s", [run.pk])[0][0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "orders": done.total, "touched": touched}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_fill() if sys.argv[1] == "fill" else _run(int(sys.argv[1]))))
