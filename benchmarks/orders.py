"""Paid orders of five lines with their reservations, against hand-written SQL that writes the same rows.

Both sides write, in one transaction for each batch of 500: buyers and their identifiers, orders, lines, payments,
order events, reservations, stock movements, the pools, and the event log. The hand-written side has its rows ready
made, sealed and numbered in memory and sends them by COPY; it looks nothing up, locks nothing and checks nothing.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from benchmarks.place import Place, fresh_place
from benchmarks.table import Row
from tongpan.core.bulk import copy_rows, execute, fetch_all, next_ids_of
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

SKUS = 2_000
BATCH = 500
LINES = 5
RUNS = 12
GOAL = 0.5


def measure() -> list[Row]:
    with fresh_place() as place:
        taken = in_its_own_process(place, "benchmarks.orders")
    ratio = taken["limit"] / taken["ours"]
    return [
        Row(
            f"orders of {LINES} lines with reservation, batches of {BATCH}",
            f"{BATCH / taken['ours']:,.0f}/s",
            f"{BATCH / taken['limit']:,.0f}/s (COPY of ready rows + one UPDATE)",
            f"{ratio:.0%}",
            f">= {GOAL:.0%}",
            ratio >= GOAL,
        )
    ]


def in_its_own_process(place: Place, module: str, *arguments: str) -> Any:
    """What ``module`` prints as JSON. The settings are read once a process: it is one that has the place's."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=place.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def open_shop(skus: int = SKUS, units: int = 10**9) -> None:
    """One shop, one warehouse, and ``units`` of each of ``skus`` SKUs."""
    from tongpan.channels.actions import save_channels, save_shops
    from tongpan.channels.engine import ChannelSpec, ShopSpec
    from tongpan.inventory.actions import adjust
    from tongpan.inventory.engine import AdjustmentDoc, StockLine
    from tongpan.network.actions import save_nodes, save_services
    from tongpan.network.engine import NodeSpec, ServiceSpec

    by: dict[str, Any] = {"actor": "bench", "now": utc_now()}
    save_channels([ChannelSpec("own", "商城", "Mall")], **by)
    save_shops([ShopSpec("bench", "own", "Bench")], **by)
    save_nodes([NodeSpec("wh", "central", "Warehouse")], **by)
    save_services([ServiceSpec("bench", ["wh"], "wh")], **by)
    lines = [StockLine(f"SKU-{n:05}", units, name=f"Goods {n}") for n in range(skus)]
    [outcome] = adjust([AdjustmentDoc("bench", "opening", "wh", utc_now(), lines)], **by)
    if outcome.state != "accepted":
        raise RuntimeError(outcome.reason)


def documents(run: str, chance: random.Random, now: datetime, size: int = BATCH, skus: int = SKUS) -> list[Any]:
    """``size`` paid orders of five lines, each of a buyer of its own."""
    from tongpan.orders.engine import BuyerDoc, LineDoc, OrderDoc, PaymentDoc, ShipTo

    docs = []
    for n in range(size):
        placed = now - timedelta(minutes=10)
        lines = [
            LineDoc("goods", f"SKU-{sku:05}", f"Goods {sku}", chance.randint(1, 3), chance.randint(100, 99_999))
            for sku in chance.sample(range(skus), LINES)
        ]
        docs.append(
            OrderDoc(
                shop_code="bench",
                external_id=f"{run}-{n:06}",
                placed_at=placed,
                currency="CNY",
                lines=lines,
                buyer=BuyerDoc("buyer", "bench", f"{run}-{n}", "张三", "浙江省", "杭州市"),
                ship_to=ShipTo("浙江省", "杭州市", 30.27, 120.15, "张三", "13800000000", "西湖区文三路 1 号"),
                payments=[PaymentDoc(1, "alipay", sum(line.amount_minor for line in lines), now)],
                paid_at=now,
            )
        )
    return docs


class ReadyRows:
    """The rows that intake would write for a batch, made in memory beforehand."""

    def __init__(self, docs: Sequence[Any], now: datetime) -> None:
        from tongpan.orders.actions.delivery import delivery_row

        shop_id, channel_id = fetch_all("SELECT id, channel_id FROM channels_shop")[0]
        sku_ids = dict(fetch_all("SELECT code, id FROM catalog_sku"))
        count, lines = len(docs), sum(len(doc.lines) for doc in docs)
        ids = next_ids_of(
            {
                "customers_customer": count,
                "orders_order": count,
                "orders_orderline": lines,
                "inventory_reservation": lines,
            }
        )
        line_ids, reservation_ids = iter(ids["orders_orderline"]), iter(ids["inventory_reservation"])
        self.customers, self.identifiers, self.orders, self.lines = [], [], [], []
        self.payments, self.events, self.reservations, self.movements, self.log = [], [], [], [], []
        self.held: dict[int, int] = {}
        for doc, order_id, customer_id in zip(docs, ids["orders_order"], ids["customers_customer"], strict=True):
            seal = os.urandom
            self.customers.append(
                (customer_id, f"C{customer_id:08d}", seal(37), doc.buyer.province, doc.buyer.city, doc.placed_at)
            )
            self.identifiers.append(("buyer", "bench", seal(16), seal(42), customer_id, doc.placed_at))
            total = doc.goods_minor
            to = doc.ship_to
            self.orders.append(
                (order_id, shop_id, channel_id, doc.external_id, None, seal(16), b"", "paid", "", customer_id,
                 now.date(), doc.placed_at, now, None, None, None, None, None, "CNY", total, 0, total, None, 0,
                 doc.units,
                 to.province, to.city, to.latitude, to.longitude, seal(90), "", "", True, None, b"", None, None, False,
                 *delivery_row(doc.delivery))
            )  # fmt: skip
            for line_no, line in enumerate(doc.lines, 1):
                line_id, sku_id, reservation_id = next(line_ids), sku_ids[line.code], next(reservation_ids)
                self.lines.append(
                    (
                        line_id,
                        order_id,
                        line_no,
                        "",
                        "goods",
                        sku_id,
                        "",
                        line.name,
                        line.qty,
                        None,
                        line.amount_minor,
                        "",
                    )
                )
                self.reservations.append((reservation_id, order_id, line_id, sku_id, line.qty, "held"))
                self.movements.append(
                    (
                        sku_id,
                        None,
                        "saleable",
                        "reserved",
                        0,
                        0,
                        line.qty,
                        "reservation",
                        reservation_id,
                        now,
                        "",
                        "bench",
                    )
                )
                self.held[sku_id] = self.held.get(sku_id, 0) + line.qty
            self.payments.append((order_id, 1, "alipay", total, now))
            self.events += [(order_id, "placed", doc.placed_at, "bench", "{}"), (order_id, "paid", now, "bench", "{}")]
            day = now.date().isoformat()
            self.log.append(("order.accepted", str(order_id), f'{{"day":"{day}","route":true}}'))
        self.log += [("stock.changed", str(sku_id), '{"gained":false}') for sku_id in sorted(self.held)]

    def write(self) -> None:
        from tongpan.orders.actions.rows import ORDER_COLUMNS

        with transaction.atomic():
            copy_rows(
                "customers_customer",
                ("id", "code", "name_sealed", "province", "city", "first_seen_at"),
                self.customers,
            )
            copy_rows(
                "customers_identifier",
                ("kind", "scope", "digest", "value_sealed", "customer_id", "first_seen_at"),
                self.identifiers,
            )
            copy_rows("orders_order", ORDER_COLUMNS, self.orders)
            copy_rows(
                "orders_orderline",
                ("id", "order_id", "line_no", "line_key", "kind", "sku_id", "charge_code", "name", "qty", "unit_price",
                 "amount_minor", "wanted_node"),
                self.lines,
            )  # fmt: skip
            copy_rows("orders_payment", ("order_id", "seq", "method", "amount_minor", "paid_at"), self.payments)
            copy_rows("orders_orderevent", ("order_id", "kind", "at", "actor", "data"), self.events)
            copy_rows(
                "inventory_reservation",
                ("id", "order_id", "order_line_id", "sku_id", "qty", "state"),
                self.reservations,
            )
            copy_rows(
                "inventory_movement",
                ("sku_id", "node_id", "bucket", "kind", "on_hand_delta", "allocated_delta", "held_delta", "cause_type",
                 "cause_id", "occurred_at", "reason", "actor"),
                self.movements,
            )  # fmt: skip
            held = sorted(self.held.items())
            execute(
                """UPDATE inventory_pool p SET held = p.held + k.held FROM unnest(%s::bigint[], %s::bigint[])
                        AS k(sku_id, held) WHERE p.sku_id = k.sku_id""",
                [[sku_id for sku_id, _ in held], [qty for _, qty in held]],
            )
            copy_rows("core_event", ("name", "key", "payload"), self.log)


def _times(runs: int) -> dict[str, float]:
    from tongpan.inventory.queries import reconcile
    from tongpan.orders.actions import accept

    open_shop()
    chance, now = random.Random(7), utc_now()
    times: dict[str, list[float]] = {"ours": [], "limit": []}
    execute("ANALYZE")
    # In turns, so that a busy machine is busy for both; the first of each warms up and does not count.
    for run in range(runs + 1):
        docs = documents(f"o{run}", chance, now)
        started = time.perf_counter()
        outcomes = accept(docs, actor="bench", now=now)
        times["ours"].append(time.perf_counter() - started)
        if {outcome.state for outcome in outcomes} != {"accepted"}:
            raise RuntimeError(str(outcomes[0]))
        rows = ReadyRows(documents(f"l{run}", chance, now), now)
        started = time.perf_counter()
        rows.write()
        times["limit"].append(time.perf_counter() - started)
    if differences := reconcile().differences:
        raise RuntimeError(f"The book does not add up: {differences[:3]}")
    [counts] = fetch_all(
        "SELECT (SELECT count(*) FROM orders_order), (SELECT count(*) FROM inventory_reservation WHERE state = 'held')"
    )
    if counts != ((runs + 1) * BATCH * 2, (runs + 1) * BATCH * 2 * LINES):
        raise RuntimeError(f"Not the same rows: {counts}")
    return {side: statistics.median(seconds[1:]) for side, seconds in times.items()}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_times(RUNS)))
        connection.close()
