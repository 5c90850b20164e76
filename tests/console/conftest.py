"""People of each role, and a signed-in client."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

# The browser's driver keeps an event loop in this thread until the run ends, and Django takes all code beside it
# for asynchronous; making and dropping the test database is such code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)

PASSWORD = "a long enough sentence"


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Make a user: person("manager"), person("store", language="en")."""

    def make(role: str, *, username: str = "", language: str = "en") -> Any:
        is_head = role == "administrator"
        return get_user_model().objects.create_user(
            username or role, password=PASSWORD, role=role, language=language, is_staff=is_head, is_superuser=is_head
        )

    return make


@pytest.fixture
def sign_in(client: Client, person: Callable[..., Any]) -> Callable[..., Client]:
    """Sign in a new user of a role: sign_in("manager")."""

    def enter(role: str = "manager", **options: str) -> Client:
        client.force_login(person(role, **options))
        return client

    return enter


@dataclass(frozen=True)
class Company:
    """Ids of what the small company holds."""

    orders: dict[str, int]
    skus: dict[str, int]
    nodes: dict[str, int]
    customers: dict[str, int]


@pytest.fixture
def company(db: None) -> Company:
    """Two channels, a warehouse and a store, three SKUs, five orders, a return, an adjustment; all routed.

    BAG: 10 at the warehouse, 2 at the store, of which 3 damaged; CUP: 5 at the store; OUT: none at all.
    T-1 takes 2 BAG and 1 CUP and ships from two nodes; T-2 waits for OUT; T-3 is cancelled; J-1 came in Brazil's
    money; T-4 is anonymous and already sent.
    """
    from tongpan.catalog.models import Sku
    from tongpan.channels.actions import load_presets, save_channel, save_shops
    from tongpan.channels.engine import ChannelSpec, ShopSpec
    from tongpan.channels.models import Facet
    from tongpan.customers.models import Customer
    from tongpan.fulfillment.actions import route
    from tongpan.inventory.actions import adjust, count
    from tongpan.inventory.engine import AdjustmentDoc, CountDoc, StockLine
    from tongpan.network.actions import save_nodes, set_services
    from tongpan.network.engine import NodeSpec
    from tongpan.orders.actions import accept, accept_returns
    from tongpan.orders.engine import BuyerDoc, LineDoc, OrderDoc, PaymentDoc, ReturnDoc, ShipTo
    from tongpan.orders.models import Order

    by = {"actor": "test", "now": NOW}
    load_presets(["tmall"])
    facet = Facet.objects.filter(tree="class").exclude(parent=None).order_by("code")[0]
    save_channel(ChannelSpec("olist", "巴西站", "Brazil", [facet.code], "America/Sao_Paulo", "BRL"), **by)
    save_shops([ShopSpec("tm", "tmall", "天猫旗舰店"), ShopSpec("br", "olist", "Loja")], **by)
    nodes = save_nodes(
        [
            NodeSpec("wh", "central", "中央仓", city="上海"),
            NodeSpec("st", "store", "北京店", city="北京", is_simulated=True),
        ],
        **by,
    )
    for shop in ("tm", "br"):
        set_services(shop, ["wh", "st"], "wh", **by)
    then = NOW - timedelta(days=30)
    opening = [
        CountDoc("test", "open-wh", "wh", then, [StockLine("BAG", 10, name="Red <b>bag</b>")]),
        CountDoc("test", "open-st", "st", then, [StockLine("BAG", 2), StockLine("BAG", 3, "damaged")]),
        CountDoc("test", "open-cups", "st", then, [StockLine("CUP", 5)]),
    ]
    count(opening, **by)
    adjust([AdjustmentDoc("test", "broken", "st", then, [StockLine("CUP", -1)], reason="broken")], **by)

    buyer = BuyerDoc("buyer", "company", "buyer-77", name="王小明", province="上海市", city="上海市")
    shanghai = ShipTo("上海市", "上海市", 31.23, 121.47, recipient="王小明", phone="13800001234", address="南京路1号")

    def order(number: str, hours: int, *lines: Any, shop: str = "tm", currency: str = "CNY", **facts: Any) -> OrderDoc:
        at = NOW - timedelta(days=3, hours=hours)
        total = sum(line.amount_minor for line in lines)
        payments = [PaymentDoc(1, "alipay", total, at)]
        facts = {"buyer": buyer, "paid_at": at, "payments": payments} | facts
        return OrderDoc(shop, number, at, currency, lines, ship_to=shanghai, **facts)

    bag, cup = LineDoc("goods", "BAG", "Red <b>bag</b>", 2, 20000), LineDoc("goods", "CUP", "Cup", 1, 3050)
    accept(
        [
            order("T-1", 5, bag, cup, LineDoc("charge", "POST", "Postage", 1, 1200), channel_status="WAIT_SELLER"),
            order("T-2", 4, LineDoc("goods", "OUT", "Never there", 1, 5000)),
            order("T-3", 3, cup, cancelled_at=NOW - timedelta(days=2)),
            order("T-4", 2, cup, buyer=None, is_shipped=True, dispatched_at=NOW - timedelta(days=2)),
            order("J-1", 1, cup, shop="br", currency="BRL"),
        ],
        **by,
    )
    back = LineDoc("goods", "CUP", "Cup", 1, -3050)
    accept_returns([ReturnDoc("tm", "R-1", NOW - timedelta(days=1), "CNY", [back], order_external_id="T-4")], **by)
    route(list(Order.objects.values_list("pk", flat=True)), **by)
    return Company(
        dict(Order.objects.values_list("external_id", "pk")),
        dict(Sku.objects.values_list("code", "pk")),
        nodes,
        dict(Customer.objects.values_list("code", "pk")),
    )
