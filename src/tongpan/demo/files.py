"""Writes the files that the demo company imports: its orders, opening stock, channel days and stock counts."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path

from tongpan.connectors.engine.fields import Settings, compile_condition
from tongpan.connectors.formats import load_mapping
from tongpan.connectors.spec import Mapping
from tongpan.demo.company import Description
from tongpan.demo.engine import (
    SHIFT,
    Timeline,
    cost_minor,
    is_counted,
    opening_stock,
    recount,
    timeline,
    visitors,
)

ROWS = 320_705
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
MORE = ("Shop", "Province", "City", "Latitude", "Longitude", "PromisedAt", "DispatchedAt", "DeliveredAt")
SOURCE_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(slots=True)
class Survey:
    """What one pass over the history tells.

    shop_of: the shop of every invoice. demand: units sold of each SKU by shop. losses: units written off by stock
    adjustments. days: orders and sales in minor units by (shop, day).
    """

    shop_of: dict[str, str] = field(default_factory=dict)
    demand: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    losses: Counter[str] = field(default_factory=Counter)
    days: dict[tuple[str, date], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))


def history() -> Iterator[list[str]]:
    """The cells of every line of the source, in its order: those of COLUMNS, dates already shifted."""
    shifted: dict[str, str] = {}
    with (
        as_file(files("tongpan.demo").joinpath("data/online_retail.csv.gz")) as path,
        gzip.open(path, "rt", encoding="utf-8", newline="") as stream,
    ):
        lines = csv.reader(stream)
        next(lines)
        for cells in lines:
            at = cells[4]
            if at not in shifted:
                shifted[at] = (datetime.strptime(at, SOURCE_TIME) + SHIFT).strftime(SOURCE_TIME)
            cells[4] = shifted[at]
            yield cells[:7]


def survey(about: Description) -> Survey:
    """Decide the shop of every invoice and add up what each shop sells."""
    found = Survey()
    is_charge = _charge_rule()
    bought: dict[tuple[str, str], str] = {}
    matched: set[str] = set()
    for cells in history():
        invoice, code, _, qty, at, price, customer = cells
        if float(price) <= 0:
            if float(price) == 0 and not is_charge(cells):
                found.losses[code.upper()] += max(0, -int(qty))
            continue
        shop = found.shop_of.get(invoice)
        if shop is None:
            shop = found.shop_of[invoice] = _first_shop(about, invoice, code, customer)
        if invoice.startswith("C"):
            # A return goes to the shop where the customer last bought what comes back.
            if invoice not in matched and (customer, code) in bought:
                found.shop_of[invoice] = bought[(customer, code)]
                matched.add(invoice)
            continue
        if customer:
            bought[(customer, code)] = shop
        day = found.days[(shop, date.fromisoformat(at[:10]))]
        day[1] += round(Decimal(price) * int(qty) * 100)
        if invoice not in matched:
            matched.add(invoice)
            day[0] += 1
        if not is_charge(cells):
            found.demand[shop][code.upper()] += int(qty)
    return found


def _first_shop(about: Description, invoice: str, code: str, customer: str) -> str:
    if code == "B":
        return about.house_shop
    return about.company.shop(customer, invoice)


def _charge_rule() -> Callable[[list[str]], bool]:
    """The mapping's own rule of what is no goods, so that it stands in one place."""
    mapping = demo_mapping()
    table = mapping.tables["rows"]
    names = ("invoice", "code", "description", "qty", "at", "price", "customer")
    settings = Settings({name: i for i, name in enumerate(names)}, {name: name for name in names})
    rule = table.lines[0].charge_when
    if rule is None:
        raise ValueError("demo-orders.yaml does not say what a charge is.")
    return compile_condition(rule, settings).get


def demo_mapping_path() -> Path:
    with as_file(files("tongpan.demo").joinpath("data/demo-orders.yaml")) as path:
        return path


def demo_mapping() -> Mapping:
    return load_mapping(demo_mapping_path())


def write_orders(path: Path, about: Description, found: Survey) -> None:
    """The history with the simulated columns; adjustments and corrections belong to the house shop."""
    company = about.company
    extras: dict[str, tuple[object, ...]] = {}
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow((*COLUMNS, *MORE))
        for cells in history():
            invoice, at, customer = cells[0], cells[4], cells[6]
            extra = extras.get(invoice)
            if extra is None:
                shop = found.shop_of.get(invoice, about.house_shop)
                city = company.ship_to(shop, customer, invoice)
                placed = datetime.strptime(at, SOURCE_TIME)
                times = timeline(invoice, placed, in_store=company.is_outlet(shop))
                extra = extras[invoice] = (
                    shop,
                    city.province,
                    city.name,
                    city.latitude,
                    city.longitude,
                    *_times(invoice, times),
                )
            out.writerow((*cells, *extra))


def _times(invoice: str, times: Timeline) -> tuple[str, str, str]:
    if invoice.startswith("C"):
        return ("", "", "")
    return (_text(times.promised), _text(times.dispatched), _text(times.delivered))


def _text(at: datetime | None) -> str:
    return at.strftime(SOURCE_TIME) if at else ""


def write_opening_stock(path: Path, about: Description, found: Survey, opens: datetime) -> None:
    """Stock on the first day: outlets hold what they will sell, sub-warehouses a part, the centre nearly everything.

    One SKU in two hundred is kept in the sub-warehouses only, so that some orders ship from two places.
    """
    total = Counter(found.losses)
    for demand in found.demand.values():
        total.update(demand)
    central, *subs = about.warehouses
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("node", "sku", "qty", "counted_at", "reason", "is_simulated"))
        centre = opening_stock(total, node=central, share=1.15, breadth=0.995)
        elsewhere = {sku: units for sku, units in total.items() if sku not in centre}
        plans = [(central, centre)]
        plans += [
            (
                sub,
                opening_stock(total, node=sub, share=0.3, breadth=0.55)
                | opening_stock(elsewhere, node=sub, share=0.8, breadth=1.0),
            )
            for sub in subs
        ]
        plans += [
            (outlet, opening_stock(found.demand[outlet], node=outlet, share=1.1, breadth=1.0))
            for outlet in about.outlets
        ]
        for node, stock in plans:
            for sku, qty in stock.items():
                out.writerow((node, sku, qty, opens.isoformat(), "opening stock", "true"))


def write_channel_days(path: Path, about: Description, found: Survey) -> None:
    channel_of = {shop["code"]: shop["channel"] for shop in about.raw["online_shops"]}
    channel_of |= {row["code"]: "direct_store" for row in about.raw["stores"]}
    channel_of |= {row["code"]: "dealer" for row in about.raw["dealers"]}
    days: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    for (shop, day), (orders, sales) in found.days.items():
        entry = days[(channel_of[shop], day)]
        entry[0] += orders
        entry[1] += sales
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("channel", "day", "visitors", "cost", "is_simulated"))
        for (channel, day), (orders, sales) in sorted(days.items()):
            rule = about.raw["channels"][channel]
            seen = visitors(channel, day, orders, rule["visits_per_order"])
            cost = Decimal(cost_minor(channel, day, sales, rule["cost_rate"])).scaleb(-2)
            out.writerow((channel, day.isoformat(), seen, cost, "true"))


def write_counts(path: Path, book: MappingABC[tuple[str, str], int], counted: datetime) -> None:
    """A cycle count of every fifth SKU at each node, against ``book``: units by (node code, SKU code)."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("node", "sku", "qty", "counted_at", "reason", "is_simulated"))
        for (node, sku), units in sorted(book.items()):
            if is_counted(node, sku):
                out.writerow((node, sku, recount(node, sku, units), counted.isoformat(), "cycle count", "true"))
    unfinished.replace(path)
