"""Dealers: contracts, their stock in the pool, who serves a place, how much of lower-tier demand they cover."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.support.company import goods, order, put

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.channels.actions import save_shops
from tongpan.channels.engine import ShopSpec
from tongpan.core.errors import Refusal
from tongpan.inventory.actions.publishing import Concerned, republish
from tongpan.inventory.models import PublishedStock
from tongpan.network.actions import save_nodes, set_services
from tongpan.network.dealers import (
    DealerSpec,
    dealers,
    dealers_for,
    save_dealers,
    tier_coverage,
    tier_of,
    turn_contracts,
)
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.network.models import DealerContract, Node
from tongpan.orders.actions import accept
from tongpan.orders.actions.reviewing import review_orders
from tongpan.orders.engine import ShipTo
from tongpan.orders.models import Hold, Order

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}
SPEC = DealerSpec("d1", "县级代理", date(2026, 1, 1), date(2027, 1, 1), True, "band", ("installation", "repair"))
pytestmark = pytest.mark.django_db


@pytest.fixture
def network(company):
    save_nodes(
        [
            NodeSpec("d1", "dealer", "杭州经销商", city="杭州", rules=NodeRules(territory=("浙江",))),
            NodeSpec("d2", "dealer", "全国代理", city="上海"),
        ],
        **BY,
    )


def test_a_dealers_stock_is_in_the_pool_exactly_while_a_contract_permits_it(network):
    save_dealers([replace(SPEC, starts_on=date(2026, 12, 1)), replace(SPEC, node_code="d2", permits_pool=False)], **BY)

    assert dict(Node.objects.filter(kind="dealer").values_list("code", "in_pool")) == {"d1": False, "d2": False}
    assert [dealer.holds for dealer in dealers(NOW)] == [False, True]
    assert turn_contracts(datetime(2026, 12, 1, 0, 0, tzinfo=UTC)) == [Node.objects.get(code="d1").pk]
    assert Node.objects.get(code="d1").in_pool
    assert turn_contracts(datetime(2027, 1, 1, 0, 0, tzinfo=UTC)) == [Node.objects.get(code="d1").pk]
    assert not Node.objects.get(code="d1").in_pool


def test_what_is_published_has_no_stock_of_a_dealer_outside_the_pool(network):
    put("sh", A=4)
    put("d1", "dealer", A=6)
    set_services("tm", ["sh", "d1"], **BY)
    save_listings([ListingSpec("tm", "1", "", "A")], **BY)

    def published():
        republish(Concerned(everything=True), now=NOW)
        return PublishedStock.objects.get().qty

    save_dealers([SPEC], **BY)
    assert published() == 10
    save_dealers([replace(SPEC, permits_pool=False)], **BY)
    assert published() == 4


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"node_code": "sh"}, "dealer.node"),
        ({"node_code": "nowhere"}, "dealer.node"),
        ({"level": " "}, "dealer.level"),
        ({"ends_on": date(2026, 1, 1)}, "dealer.dates"),
        ({"price_right": "free"}, "dealer.price_right"),
        ({"services": ("dancing",)}, "dealer.service"),
    ],
)
def test_contracts_that_cannot_be_are_refused_with_the_whole_batch(network, change, code):
    with pytest.raises(Refusal) as refused:
        save_dealers([replace(SPEC, node_code="d2"), replace(SPEC, **change)], **BY)

    assert refused.value.code == code
    assert not DealerContract.objects.exists()


def test_a_place_is_served_by_the_dealers_who_owe_it_nearest_territory_first(network):
    save_dealers([SPEC, replace(SPEC, node_code="d2")], **BY)

    def found(*place, now=NOW):
        return [dealer.code for dealer in dealers_for(*place, now=now)]

    assert found("浙江", "宁波", "repair") == ["d1", "d2"]
    assert found("江苏", "南京", "repair") == ["d2"]
    assert found("浙江", "宁波", "home_delivery") == []
    assert found("浙江", "宁波", "repair", now=datetime(2027, 6, 1, tzinfo=UTC)) == []


def test_an_order_outside_its_dealers_territory_is_kept_and_waits_for_a_person(network):
    put("d1", "dealer", A=9)
    save_shops([ShopSpec("dshop", "own", "经销商店", kind="dealer")], **BY)
    set_services("dshop", ["d1"], **BY)
    accept(
        [
            order("in", goods("A"), shop_code="dshop", ship_to=ShipTo("浙江", "宁波")),
            order("out", goods("A"), shop_code="dshop", ship_to=ShipTo("江苏", "南京")),
            order("other", goods("A"), shop_code="mall", ship_to=ShipTo("江苏", "南京")),
        ],
        **BY,
    )

    review_orders(list(Order.objects.values_list("id", flat=True)), now=NOW)

    held = Hold.objects.filter(released_at=None, reason="risk")
    assert [hold.order.external_id for hold in held] == ["out"]
    assert Order.objects.count() == 3


def test_the_tier_of_a_place_follows_from_its_division():
    assert [
        tier_of(*place) for place in (("浙江", "杭州"), ("", "上海"), ("浙江", "温州"), ("江苏", "昆山"), ("", "X"))
    ] == [
        "capital",
        "capital",
        "prefecture",
        "county",
        "",
    ]


def test_coverage_is_counted_by_tier():
    demand = [("浙江", "杭州", 10), ("浙江", "温州", 5), ("江苏", "昆山", 3), ("", "X", 99)]

    assert [tuple(row) for row in tier_coverage(demand, [["浙江"]])] == [
        ("capital", 1, 10, 10),
        ("prefecture", 1, 5, 5),
        ("county", 1, 3, 0),
    ]
    assert [row.covered for row in tier_coverage(demand, [])] == [0, 0, 0]
    assert [row.covered for row in tier_coverage(demand, [[]])] == [10, 5, 3]
