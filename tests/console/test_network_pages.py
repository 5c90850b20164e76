"""The pages of stores, their layout, and dealers; reviews on the page of a SKU."""

from datetime import UTC, datetime, time

import pytest
from tests.support.company import goods, order, put

from tongpan.catalog.reviews import ReviewSpec, save_reviews
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable
from tongpan.network.geography import locate
from tongpan.network.models import DealerContract, Node
from tongpan.orders.actions import accept
from tongpan.orders.engine import ShipTo

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}


@pytest.fixture
def stores(db):
    from tests.support.company import open_company

    open_company()
    week = Timetable(tuple((day, time(9), time(21)) for day in range(7)))
    save_nodes(
        [
            NodeSpec("s1", "store", "一店", city="杭州", rules=NodeRules(facilities=("pickup",)), hours=week),
            NodeSpec("s2", "store", "二店", city="上海"),
            NodeSpec("d1", "dealer", "经销商", city="宁波", rules=NodeRules(territory=("浙江",))),
        ],
        **BY,
    )
    put("sh", A=9)
    for number, city in (("1", "杭州"), ("2", "温州"), ("3", "温州")):
        place = locate("浙江", city)
        accept([order(number, goods("A"), ship_to=ShipTo("浙江", city, place.latitude, place.longitude))], **BY)


def body(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_stores_are_found_by_what_they_have_and_lack(stores, sign_in):
    client = sign_in("manager")

    assert all(name in body(client.get("/network/stores/")) for name in ("一店", "二店", "经销商", "09:00-21:00"))
    assert "二店" not in body(client.get("/network/stores/?has=pickup"))
    assert "一店" not in body(client.get("/network/stores/?lacks=pickup"))
    assert client.get("/network/stores/export/").getvalue().decode("utf-8-sig").count("\n") == 4


def test_the_layout_proposes_where_a_store_would_cover_most(stores, sign_in):
    page = body(sign_in("manager").get("/network/layout/"))

    assert "温州" in page
    assert "33.3%" in page
    assert "杭州" not in page.split("list-tools")[-1]


def test_a_contract_lets_a_dealers_stock_join_the_pool(stores, sign_in):
    client = sign_in("manager")
    given = {"dealer": "d1", "level": "县级", "starts_on": "2026-01-01", "price_right": "band", "services": ["repair"]}

    assert "before it starts" in body(client.post("/network/dealers/edit/", given | {"ends_on": "2025-01-01"}))
    client.post("/network/dealers/edit/", given)

    assert DealerContract.objects.get().level == "县级"
    assert not Node.objects.get(code="d1").in_pool
    client.post("/network/dealers/edit/?dealer=d1", given | {"permits_pool": "on"})
    assert Node.objects.get(code="d1").in_pool
    page = body(client.get("/network/dealers/"))
    assert "100.0%" in page
    assert "县级" in page


def test_a_viewer_sees_and_changes_nothing(stores, sign_in):
    client = sign_in("viewer")

    assert client.get("/network/dealers/").status_code == 200
    assert client.post("/network/dealers/edit/", {}).status_code == 403


def test_the_page_of_a_sku_shows_what_buyers_say(stores, sign_in):
    save_reviews(
        [ReviewSpec("tmall", "r1", "A", 4, NOW, "结实"), ReviewSpec("tmall", "r2", "A", 1, NOW, "坏", "hidden")], **BY
    )

    page = body(sign_in("manager").get("/goods/sku/A/"))

    assert "结实" in page
    assert "1 review" in page
    assert "坏" not in page
