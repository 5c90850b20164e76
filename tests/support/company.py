"""A small company for tests: two channels, three shops, three warehouses in Chinese cities and a supplier."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tongpan.channels.actions import save_channels, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.core.bulk import fetch_all
from tongpan.inventory.actions import adjust, count
from tongpan.inventory.engine import AdjustmentDoc, CountDoc, StockLine, StockOutcome
from tongpan.network.actions import save_nodes, save_services
from tongpan.network.engine import NodeSpec, ServiceSpec
from tongpan.orders.engine import LineDoc, OrderDoc, ReturnDoc

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ACTOR = "test"

SHANGHAI = (31.230372, 121.473662)
HANGZHOU = (30.274085, 120.15507)
BEIJING = (39.904211, 116.407395)


def open_company() -> None:
    """Shops "tm" and "tm2" on Tmall, "mall" on the own mall; nodes "sh", "hz", "bj" and supplier "sup".

    All shops are served by the three warehouses; "mall" also by the supplier. Returns go to "sh"; "tm2" has no
    returns node.
    """
    by: dict[str, Any] = {"actor": ACTOR, "now": NOW}
    save_channels([ChannelSpec("tmall", "天猫", "Tmall"), ChannelSpec("own", "商城", "Mall")], **by)
    save_shops(
        [ShopSpec("tm", "tmall", "TM"), ShopSpec("tm2", "tmall", "TM2"), ShopSpec("mall", "own", "Mall")],
        **by,
    )
    save_nodes(
        [
            NodeSpec("sh", "central", "Shanghai", latitude=SHANGHAI[0], longitude=SHANGHAI[1]),
            NodeSpec("hz", "sub_warehouse", "Hangzhou", latitude=HANGZHOU[0], longitude=HANGZHOU[1]),
            NodeSpec("bj", "sub_warehouse", "Beijing", latitude=BEIJING[0], longitude=BEIJING[1]),
            NodeSpec("sup", "supplier", "Supplier", tracks_stock=False),
        ],
        **by,
    )
    save_services(
        [
            ServiceSpec("tm", ["sh", "hz", "bj"], "sh"),
            ServiceSpec("tm2", ["sh", "hz", "bj"]),
            ServiceSpec("mall", ["sh", "hz", "bj", "sup"], "sh"),
        ],
        **by,
    )


def goods(code: str, qty: int = 1, amount_minor: int = 1000, **more: Any) -> LineDoc:
    return LineDoc("goods", code, more.pop("name", f"name of {code}"), qty, amount_minor, **more)


def charge(code: str, amount_minor: int, **more: Any) -> LineDoc:
    return LineDoc("charge", code, more.pop("name", code), more.pop("qty", 1), amount_minor, **more)


def order(number: str, *lines: LineDoc, **more: Any) -> OrderDoc:
    """An order of shop "tm" placed yesterday; without ``lines`` one unit of SKU A."""
    facts: dict[str, Any] = {
        "shop_code": "tm",
        "external_id": number,
        "placed_at": NOW - DAY,
        "currency": "CNY",
        "lines": lines or (goods("A"),),
    }
    return OrderDoc(**(facts | more))


def paid(number: str, *lines: LineDoc, **more: Any) -> OrderDoc:
    return order(number, *lines, **({"paid_at": NOW - DAY + timedelta(minutes=5)} | more))


def shipped(number: str, *lines: LineDoc, **more: Any) -> OrderDoc:
    return paid(number, *lines, **({"dispatched_at": NOW - 2 * HOUR} | more))


def return_of(number: str, *lines: LineDoc, **more: Any) -> ReturnDoc:
    facts: dict[str, Any] = {
        "shop_code": "tm",
        "external_id": number,
        "returned_at": NOW - HOUR,
        "currency": "CNY",
        "lines": lines or (goods("A", 1, -1000),),
    }
    return ReturnDoc(**(facts | more))


def put(node: str, name: str = "opening", **units: int) -> StockOutcome:
    """Book units by SKU code at ``node``, as one adjustment called ``name``."""
    lines = [StockLine(code, qty) for code, qty in units.items()]
    return adjust([AdjustmentDoc("test", name, node, NOW - 2 * DAY, lines)], actor=ACTOR, now=NOW)[0]


def recount(node: str, name: str, **units: int) -> StockOutcome:
    """Book a count of units by SKU code at ``node``."""
    lines = [StockLine(code, qty) for code, qty in units.items()]
    return count([CountDoc("test", name, node, NOW, lines)], actor=ACTOR, now=NOW)[0]


def pool(code: str) -> tuple[int, int, int]:
    """(on hand, allocated, held) of a SKU over all nodes."""
    rows = fetch_all(
        """SELECT p.on_hand, p.allocated, p.held FROM inventory_pool p JOIN catalog_sku s ON s.id = p.sku_id
           WHERE s.code = %s""",
        [code],
    )
    return rows[0] if rows else (0, 0, 0)  # type: ignore[return-value]


def levels(code: str) -> dict[str, tuple[int, int]]:
    """(on hand, allocated) of a SKU's saleable stock by node code."""
    rows = fetch_all(
        """SELECT n.code, l.on_hand, l.allocated FROM inventory_level l
           JOIN catalog_sku s ON s.id = l.sku_id JOIN network_node n ON n.id = l.node_id
           WHERE s.code = %s AND l.bucket = 'saleable' ORDER BY 1""",
        [code],
    )
    return {node: (on_hand, allocated) for node, on_hand, allocated in rows}


def movements(code: str = "") -> list[tuple[Any, ...]]:
    """(kind, node, on hand, allocated, held) of every movement, oldest first; of one SKU when ``code`` is given."""
    return fetch_all(
        """SELECT m.kind, n.code, m.on_hand_delta, m.allocated_delta, m.held_delta FROM inventory_movement m
           JOIN catalog_sku s ON s.id = m.sku_id LEFT JOIN network_node n ON n.id = m.node_id
           WHERE %s IN ('', s.code) ORDER BY m.id""",
        [code],
    )


def open_holds() -> set[tuple[str, str]]:
    """(order number, reason) of every open hold."""
    return set(
        fetch_all(
            """SELECT o.external_id, h.reason FROM orders_hold h JOIN orders_order o ON o.id = h.order_id
               WHERE h.released_at IS NULL"""
        )
    )


def statuses() -> dict[str, str]:
    """Status of every order by its number."""
    return dict(fetch_all("SELECT external_id, status FROM orders_order"))


def fulfillments(number: str) -> list[tuple[str, str, dict[str, int]]]:
    """(node, status, units by SKU) of each fulfilment of an order, oldest first."""
    found: dict[int, tuple[str, str, dict[str, int]]] = {}
    for i, node, status, sku, qty in fetch_all(
        """SELECT f.id, n.code, f.status, s.code, l.qty FROM fulfillment_fulfillment f
           JOIN orders_order o ON o.id = f.order_id JOIN network_node n ON n.id = f.node_id
           JOIN fulfillment_fulfillmentline l ON l.fulfillment_id = f.id JOIN catalog_sku s ON s.id = l.sku_id
           WHERE o.external_id = %s ORDER BY f.id, l.id""",
        [number],
    ):
        units = found.setdefault(i, (node, status, {}))[2]
        units[sku] = units.get(sku, 0) + qty
    return list(found.values())


def order_ids(numbers: Iterable[str]) -> list[int]:
    rows = dict(fetch_all("SELECT external_id, id FROM orders_order"))
    return [rows[number] for number in numbers]
