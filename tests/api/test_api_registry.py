"""Channels, shops, nodes and goods through the API."""

from typing import Any

import pytest
from tests.api.calling import Api, order

from tongpan.access.models import AuditEntry
from tongpan.catalog.models import Product, Sku
from tongpan.channels.models import Channel, Shop
from tongpan.network.models import Node

pytestmark = pytest.mark.usefixtures("company")

FACETS = [
    "class.public.marketplace",
    "core.online.marketplace",
    "ownership.third_party.commerce",
    "role.transaction",
    "touchpoint.online.marketplace",
]


def test_a_channel_shows_its_facets_and_shops(api: Api) -> None:
    assert api.get("/channels/tmall") == {
        "id": Channel.objects.get(code="tmall").pk,
        "code": "tmall",
        "name_zh": "天猫",
        "name_en": "Tmall",
        "zone": "Asia/Shanghai",
        "currency": "CNY",
        "facets": FACETS,
        "shops": ["flagship"],
        "launched_on": None,
        "closed_on": None,
        "is_simulated": False,
    }
    assert [row["code"] for row in api.get("/channels")["items"]] == ["jd", "tmall"]


def test_facets_are_listed_with_parents_before_children(api: Api) -> None:
    facets = api.get("/facets?tree=class&limit=2")["items"]

    assert facets == [
        {"code": "class.offline", "tree": "class", "parent": None, "name_zh": "线下", "name_en": "Offline"},
        {
            "code": "class.offline.dealer",
            "tree": "class",
            "parent": "class.offline",
            "name_zh": "经销商",
            "name_en": "Dealers",
        },
    ]


def test_a_channel_is_made_and_changed_by_put(api: Api) -> None:
    body = {"name_zh": "快手", "name_en": "Kuaishou", "facets": ["role.seeding"], "launched_on": "2026-01-02"}

    made = api.send("PUT", "/channels/kuaishou", body)
    changed = api.send("PUT", "/channels/kuaishou", body | {"facets": [], "closed_on": "2026-03-04"})

    assert (made["facets"], made["launched_on"], made["currency"]) == (["role.seeding"], "2026-01-02", "CNY")
    assert changed == made | {"facets": [], "closed_on": "2026-03-04"}
    assert AuditEntry.objects.filter(actor="key:test", action="channel.saved").count() == 2


def test_changing_a_preset_keeps_its_place_in_the_list(api: Api) -> None:
    place = Channel.objects.get(code="jd").position

    api.send("PUT", "/channels/jd", {"name_zh": "京东商城", "name_en": "JD"})

    assert Channel.objects.get(code="jd").position == place > 0


def test_a_shop_is_made_and_served(api: Api) -> None:
    shop = api.send("PUT", "/shops/jd-1", {"channel": "jd", "name": "京东店", "kind": "group", "capacity": 500})

    services = api.send("PUT", "/shops/jd-1/services", {"nodes": ["sh", "hz"], "returns_node": "hz"})

    assert shop == {
        "id": Shop.objects.get(code="jd-1").pk,
        "code": "jd-1",
        "channel": "jd",
        "name": "京东店",
        "kind": "group",
        "external_account": "",
        "capacity": 500,
        "is_active": True,
        "is_simulated": False,
    }
    assert services == {"shop": "jd-1", "nodes": ["hz", "sh"], "returns_node": "hz"}
    assert api.get("/nodes/hz")["serves"] == [
        {"shop": "flagship", "takes_returns": True},
        {"shop": "jd-1", "takes_returns": True},
    ]
    assert api.get("/shops/jd-1") == shop


def test_a_node_gets_the_point_of_its_city(api: Api) -> None:
    node = api.send("PUT", "/nodes/gz-1", {"kind": "store", "name": "广州店", "province": "广东", "city": "广州"})

    assert node == {
        "id": Node.objects.get(code="gz-1").pk,
        "code": "gz-1",
        "kind": "store",
        "name": "广州店",
        "city": "广州",
        "division": "440100",
        "latitude": 23.12911,
        "longitude": 113.264385,
        "zone": "Asia/Shanghai",
        "tracks_stock": True,
        "is_active": True,
        "is_simulated": False,
        "rules": {
            "groups": [],
            "order_limit": None,
            "accept_minutes": None,
            "cut_off": None,
            "base_cost": None,
            "cost_per_km": None,
            "priority": 100,
            "territory": [],
            "facilities": [],
            "in_pool": True,
        },
        "hours": {"week": [], "special_days": []},
        "serves": [],
    }
    assert [row["code"] for row in api.get("/nodes")["items"]] == ["gz-1", "hz", "sh"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/channels/a%20b", {"name_zh": "x", "name_en": "x"}, "request.invalid"),
        ("/channels/x", {"name_zh": "x"}, "request.invalid"),
        ("/channels/x", {"name_zh": "x", "name_en": "x", "facets": ["role.none"]}, "channel.facet"),
        ("/channels/x", {"name_zh": "x", "name_en": "x", "zone": "Mars/Olympus"}, "channel.zone"),
        (
            "/channels/x",
            {"name_zh": "x", "name_en": "x", "launched_on": "2026-02-01", "closed_on": "2026-01-01"},
            "channel.dates",
        ),
        ("/shops/x", {"channel": "nowhere", "name": "x"}, "shop.channel"),
        ("/shops/flagship", {"channel": "jd", "name": "x"}, "shop.channel_fixed"),
        ("/shops/x", {"channel": "jd", "name": "x", "capacity": -1}, "request.invalid"),
        ("/shops/flagship/services", {"nodes": ["nowhere"]}, "service.node"),
        ("/shops/flagship/services", {"nodes": ["hz"], "returns_node": "sh"}, "service.returns_node"),
        ("/nodes/x", {"kind": "store", "name": "x", "latitude": 1.0}, "node.point"),
        ("/nodes/x", {"kind": "store", "name": "x", "latitude": 91, "longitude": 0}, "request.invalid"),
        ("/nodes/x", {"kind": "shed", "name": "x"}, "request.invalid"),
    ],
)
def test_a_bad_registry_entry_is_refused_and_nothing_changes(
    api: Api, path: str, body: dict[str, Any], code: str
) -> None:
    counts = (Channel.objects.count(), Shop.objects.count(), Node.objects.count(), AuditEntry.objects.count())

    assert api.refused(422, "PUT", path, body)["code"] == code

    assert counts == (
        Channel.objects.count(),
        Shop.objects.count(),
        Node.objects.count(),
        AuditEntry.objects.count(),
    )
    assert api.get("/shops/flagship")["channel"] == "tmall"
    assert [node["serves"][0]["shop"] for node in api.get("/nodes")["items"]] == ["flagship", "flagship"]


def test_goods_are_read_by_code_and_by_words(api: Api) -> None:
    lines = [
        {
            "code": "T-1",
            "name": "Blue tea pot",
            "qty": 1,
            "amount": {"amount": "1", "currency": "CNY"},
            "product": "T",
            "product_name": "Tea pot",
            "category": "Tea",
        }
    ]
    api.send("POST", "/orders", {"orders": [order(lines=lines)]})
    sku, product = Sku.objects.get(code="T-1"), Product.objects.get(code="T")

    expected = {
        "id": sku.pk,
        "code": "T-1",
        "name": "Blue tea pot",
        "barcode": "",
        "is_active": True,
        "product": "T",
        "category": "Tea",
    }
    assert api.get("/skus?search=tea%20blue") == {"items": [expected], "next": None}
    assert api.get(f"/skus/{sku.pk}") == expected
    assert api.get(f"/products/{product.pk}") == {
        "id": product.pk,
        "code": "T",
        "name": "Tea pot",
        "category": "Tea",
        "skus": ["T-1"],
    }
    assert [row["code"] for row in api.get("/products")["items"]] == ["A-1", "B-2", "T"]
    assert [row["code"] for row in api.get("/products?code=T")["items"]] == ["T"]


def test_a_node_keeps_rules_and_hours_that_a_put_leaves_out(api: Api) -> None:
    body = {
        "kind": "store",
        "name": "二店",
        "city": "杭州",
        "rules": {
            "order_limit": 40,
            "accept_minutes": 30,
            "cut_off": "17:00",
            "base_cost": {"amount": "6.50", "currency": "CNY"},
            "territory": ["浙江"],
            "facilities": ["pickup"],
        },
        "hours": {
            "week": [{"weekday": 0, "opens": "09:00", "closes": "21:00"}],
            "special_days": [{"day": "2026-10-01"}],
        },
    }

    made = api.send("PUT", "/nodes/hz-2", body)
    kept = api.send("PUT", "/nodes/hz-2", {"kind": "store", "name": "二店新名", "city": "杭州"})

    assert made["rules"] == {
        "groups": [],
        "order_limit": 40,
        "accept_minutes": 30,
        "cut_off": "17:00",
        "base_cost": {"amount": "6.50", "currency": "CNY"},
        "cost_per_km": None,
        "priority": 100,
        "territory": ["浙江"],
        "facilities": ["pickup"],
        "in_pool": True,
    }
    assert made["hours"] == {
        "week": [{"weekday": 0, "opens": "09:00", "closes": "21:00"}],
        "special_days": [{"day": "2026-10-01", "opens": None, "closes": None}],
    }
    assert (kept["name"], kept["rules"], kept["hours"]) == ("二店新名", made["rules"], made["hours"])


def test_costs_in_two_currencies_are_refused(api: Api) -> None:
    rules = {
        "base_cost": {"amount": "6.50", "currency": "CNY"},
        "cost_per_km": {"amount": "1.00", "currency": "USD"},
    }

    problem = api.refused(422, "PUT", "/nodes/hz-2", {"kind": "store", "name": "二店", "rules": rules})

    assert problem["code"] == "node.cost"
    assert not Node.objects.filter(code="hz-2").exists()
