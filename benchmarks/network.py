"""Routing on real networks: the sellers of Olist against what really happened, and 2,733 shops in China.

Nothing here is in the repository: both sets are read from ``../shared/data`` and left out where that is absent.

Olist (10,000 orders of 2017): sellers are nodes at the point of their postcode; each has the units of a product that it
sold in the sample. The policy that counts by default routes the orders as they came. An order that keeps its sellers
keeps what really happened to it; one that gets others arrives after the median time that real parcels took over such
a distance, from the moment when its seller really handed it over. On time is by the end of the promised day.

China: orders go to the addresses of the newest orders of the demo, with one to three of 500 SKUs; every shop has 60 of
them, one to three units each. Baskets and stock are drawn with a fixed seed: places are real, goods are not.
"""

from __future__ import annotations

import csv
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import django

from benchmarks.table import Row
from tongpan.fulfillment.optimum.comparing import Gap, Turn, compare
from tongpan.fulfillment.optimum.model import Optimum, Score, by_distance
from tongpan.fulfillment.routing.basics import Need, NodeView
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.presets import DEFAULT, preset
from tongpan.network.geography import distance_km

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SKUS, PER_SHOP, ORDERS = 500, 60, 1_000
BANDS = (0, 50, 100, 200, 400, 800, 1_600, 3_200)
"""Kilometres at which a new band of distances begins."""

Point = tuple[float, float] | None


class Olist(NamedTuple):
    """really, planned: (parcels, kilometres of those with both places known, orders on time of those delivered)."""

    orders: int
    delivered: int
    several: int
    several_planned: int
    moved: int
    really: tuple[int, float, int]
    planned: tuple[int, float, int]
    gap: Gap


def measure() -> list[Row]:
    if not (DATA / "olist").is_dir():
        return [Row("real networks: ../shared/data is not here", "")]
    # The demo is described in rooms with tables; nothing of it is read from a database.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    django.setup()
    return [*_olist_rows(olist()), *_china_rows(*china())]


def _olist_rows(found: Olist) -> list[Row]:
    (parcels, km, on_time), (parcels2, km2, on_time2) = found.really, found.planned
    best = found.gap.best
    return [
        Row(f"Olist, {found.orders:,} orders: parcels", f"{parcels2:,}", f"{parcels:,} really",
            _percent(parcels2, parcels)),
        Row("Olist: orders of several sellers", f"{found.several_planned}", f"{found.several} really"),
        Row("Olist: kilometres of a parcel", f"{km2 / parcels2:.1f}", f"{km / parcels:.1f} really", _percent(km2, km)),
        Row(
            f"Olist: on time, of {found.delivered:,} delivered; {found.moved} orders with another seller",
            f"{on_time2 / found.delivered:.2%}",
            f"{on_time / found.delivered:.2%} really",
        ),
        _gap_row("Olist", found.gap.ladder, best),
    ]  # fmt: skip


def _china_rows(gap: Gap, seconds: float) -> list[Row]:
    loads = sorted(gap.loads.values(), reverse=True)
    routed = gap.orders - gap.ladder.unfilled
    best = gap.best
    word = "optimum" if best.is_proven else "best found"
    return [
        Row(f"China, {gap.orders:,} orders over 2,733 shops: kilometres of a parcel",
            f"{gap.ladder.cost / 10 / gap.ladder.parcels:.1f}",
            f"{best.score.cost / 10 / best.score.parcels:.1f} ({word})"),
        Row("China: parcels of an order", f"{gap.ladder.parcels / routed:.3f}",
            f"{best.score.parcels / (gap.orders - best.score.unfilled):.3f} ({word})"),
        Row(f"China: shops with an order {len(loads):,}; parcels of the busiest tenth of them",
            f"{sum(loads[: len(loads) // 10]) / sum(loads):.0%}",
            f"most {loads[0]}, median {statistics.median(loads):g}"),
        _gap_row("China", gap.ladder, best),
        Row(f"China: both at once, {best.parts:,} parts, {best.open} of them open", f"{seconds:.1f} s"),
    ]  # fmt: skip


def _gap_row(where: str, ladder: Score, best: Optimum) -> Row:
    known = "optimum" if best.is_proven else f"best found; nothing beats {_told(best.bound)}"
    return Row(
        f"{where}: left out / parcels / km",
        _told(ladder),
        f"{_told(best.score)} ({known})",
        _percent(best.score.cost, ladder.cost),
    )


def _told(score: Score) -> str:
    return f"{score.unfilled} / {score.parcels:,} / {score.cost / 10:,.0f}"


def _percent(ours: float, limit: float) -> str:
    return f"{ours / limit:.1%}"


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _time(text: str) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S") if text else None


def olist(most: int | None = None) -> Olist:
    """Route the orders of Olist, or the first ``most`` of them, by the default policy; compare with what happened."""
    points = {
        row["geolocation_zip_code_prefix"]: (float(row["geolocation_lat"]), float(row["geolocation_lng"]))
        for row in _rows("olist/geolocation_by_zip5.csv")
        if row["in_brazil_bbox"] == "True"
    }
    sellers = sorted((row["seller_id"], points.get(row["seller_zip_code_prefix"])) for row in _sellers())
    views = [NodeView(i, code, *(at or (None, None))) for i, (code, at) in enumerate(sellers, 1)]
    ids = {view.code: view.id for view in views}
    home = {
        row["customer_id"]: points.get(row["customer_zip_code_prefix"]) for row in _rows("olist/customers_10k_zip5.csv")
    }
    orders = {row["order_id"]: row for row in _rows("olist/orders_10k.csv")}
    bought: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in _rows("olist/order_items_10k.csv"):
        bought[row["order_id"]].append((row["product_id"], ids[row["seller_id"]]))
    queue = sorted(bought, key=lambda number: (orders[number]["order_purchase_timestamp"], number))[:most]
    bought = defaultdict(list, {number: bought[number] for number in queue})
    products = {code: i for i, code in enumerate(sorted({code for items in bought.values() for code, _ in items}), 1)}
    stock: dict[int, dict[int, int]] = {}
    for code, seller in (item for items in bought.values() for item in items):
        at = stock.setdefault(products[code], {})
        at[seller] = at.get(seller, 0) + 1
    ladder = Ladder(preset(DEFAULT), views, Snapshot(stock), distance_km)
    turns = []
    for position, number in enumerate(queue):
        counted: dict[int, int] = {}
        for code, _ in bought[number]:
            counted[products[code]] = counted.get(products[code], 0) + 1
        needs = [Need(position * 100 + i, sku, qty) for i, (sku, qty) in enumerate(sorted(counted.items()))]
        turns.append(Turn(OrderFacts(position, home[orders[number]["customer_id"]]), needs, ladder))
    nodes = {view.id: view for view in views}
    gap = compare(turns, nodes, stock, by_distance(distance_km))
    return _against_history(queue, turns, bought, orders, nodes, gap)


def _sellers() -> Iterator[dict[str, str]]:
    return _rows("olist/sellers_zip5.csv")


def _against_history(
    queue: Sequence[str],
    turns: Sequence[Turn],
    bought: Mapping[str, Sequence[tuple[str, int]]],
    orders: Mapping[str, Mapping[str, str]],
    nodes: Mapping[int, NodeView],
    gap: Gap,
) -> Olist:
    def km(place: Point, node_id: int) -> float | None:
        node = nodes[node_id]
        if place is None or node.latitude is None or node.longitude is None:
            return None
        return distance_km(*place, node.latitude, node.longitude)

    transit: defaultdict[int, list[float]] = defaultdict(list)
    facts = []
    for number, turn in zip(queue, turns, strict=True):
        row = orders[number]
        left = _time(row["order_delivered_carrier_date"])
        came = _time(row["order_delivered_customer_date"])
        due = _time(row["order_estimated_delivery_date"])
        real = {seller for _, seller in bought[number]}
        ours = {pick.node_id for pick in gap.picks.get(turn.order.order_id, ())}
        far = max((d for node_id in real if (d := km(turn.order.place, node_id)) is not None), default=None)
        if left and came and far is not None and came >= left:
            transit[_band(far)].append((came - left).total_seconds() / 86_400)
        facts.append((turn, real, ours, left, came, due))
    median = {band: statistics.median(days) for band, days in transit.items()}
    delivered = moved = on_time = on_time_planned = 0
    really, planned = [0, 0.0], [0, 0.0]
    for turn, real, ours, left, came, due in facts:
        for total, used in ((really, real), (planned, ours)):
            total[0] += len(used)
            total[1] += sum(km(turn.order.place, node_id) or 0 for node_id in used)
        moved += real != ours
        if not (left and came and due):
            continue
        delivered += 1
        in_time = came.date() <= due.date()
        on_time += in_time
        if real != ours and ours:
            far = max((d for node_id in ours if (d := km(turn.order.place, node_id)) is not None), default=0.0)
            in_time = left.timestamp() + median[_band(far)] * 86_400 < due.timestamp() + 86_400
        on_time_planned += in_time and bool(ours)
    return Olist(
        len(facts),
        delivered,
        sum(len(real) > 1 for _, real, *_ in facts),
        sum(len(ours) > 1 for _, _, ours, *_ in facts),
        moved,
        (int(really[0]), really[1], on_time),
        (int(planned[0]), planned[1], on_time_planned),
        gap,
    )


def _band(km: float) -> int:
    return max(start for start in BANDS if km >= start)


def china(orders: int = ORDERS) -> tuple[Gap, float]:
    """Route orders to addresses of the demo over the shops of China: (the gap, seconds for both)."""
    chance = random.Random(5)
    places = {
        (float(row["Latitude"]), float(row["Longitude"]), row["Store_Number"])
        for row in _rows("store_network_cn/stores_cn.csv")
        if row["Latitude"] and row["Longitude"]
    }
    views = [NodeView(i, code, lat, lon) for i, (lat, lon, code) in enumerate(sorted(places), 1)]
    stock: dict[int, dict[int, int]] = {sku: {} for sku in range(1, SKUS + 1)}
    for view in views:
        for sku in chance.sample(range(1, SKUS + 1), PER_SHOP):
            stock[sku][view.id] = chance.randint(1, 3)
    ladder = Ladder(preset(DEFAULT), views, Snapshot(stock), distance_km)
    turns = []
    for position, place in enumerate(_addresses(orders)):
        skus = chance.sample(range(1, SKUS + 1), chance.choice((1, 1, 2, 2, 3)))
        needs = [Need(position * 10 + i, sku, chance.randint(1, 2)) for i, sku in enumerate(skus)]
        turns.append(Turn(OrderFacts(position, place), needs, ladder))
    started = time.perf_counter()
    gap = compare(turns, {view.id: view for view in views}, stock, by_distance(distance_km))
    return gap, time.perf_counter() - started


def _addresses(count: int) -> list[tuple[float, float]]:
    """Where the newest orders of the demo go, the oldest of them first."""
    from tongpan.demo.company import describe
    from tongpan.demo.files import history, survey

    about = describe()
    shop_of = survey(about).shop_of
    customers: dict[str, str] = {}
    for cells in history():
        customers.setdefault(cells[0], cells[6])
    found = []
    for invoice in [invoice for invoice in customers if invoice in shop_of][-count:]:
        city = about.company.ship_to(shop_of[invoice], customers[invoice], invoice)
        found.append((city.latitude, city.longitude))
    return found
