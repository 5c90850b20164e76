"""A dealer's own stock is sold where the contract lets it into the pool, and to orders that name the dealer."""

import pytest
from tests.support.company import ACTOR, NOW, goods, levels, order_ids, paid, pool, put
from tests.support.intake import take

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import route
from tongpan.fulfillment.models import RoutingDecision
from tongpan.inventory.queries import reconcile
from tongpan.network.actions import save_nodes, save_services
from tongpan.network.engine import NodeRules, NodeSpec, ServiceSpec

pytestmark = pytest.mark.usefixtures("company")


def dealer(*, in_pool: bool) -> None:
    save_nodes([NodeSpec("d1", "dealer", "Dealer", rules=NodeRules(in_pool=in_pool))], actor=ACTOR, now=NOW)
    save_services([ServiceSpec("tm", ["sh", "hz", "bj", "d1"], "sh")], actor=ACTOR, now=NOW)


def held_back() -> list[tuple[str, str]]:
    return fetch_all(
        """SELECT o.external_id, h.reason FROM orders_hold h JOIN orders_order o ON o.id = h.order_id
           WHERE h.released_at IS NULL ORDER BY 1"""
    )


def test_other_orders_are_never_promised_a_dealers_own_units():
    dealer(in_pool=False)
    put("sh", A=2)
    put("d1", "theirs", A=10)

    take(paid("1", goods("A", 2)), paid("2", goods("A", 1)))

    assert held_back() == [("2", "out_of_stock")]
    assert pool("A") == (12, 0, 2)


def test_an_order_that_names_the_dealer_takes_its_units():
    dealer(in_pool=False)
    put("d1", "theirs", A=10)

    take(paid("1", goods("A", 3, wanted_node="d1")))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)

    assert held_back() == []
    assert levels("A") == {"d1": (10, 3)}
    assert reconcile().differences == []


def test_a_contract_that_lets_the_stock_in_serves_every_order():
    dealer(in_pool=True)
    put("d1", "theirs", A=10)

    take(paid("1", goods("A", 3)))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)

    assert held_back() == []
    assert levels("A") == {"d1": (10, 3)}


def test_routing_takes_nothing_that_is_promised_though_a_dealer_has_more():
    dealer(in_pool=False)
    put("sh", A=2)
    put("d1", "theirs", A=10)
    take(paid("1", goods("A", 2)))

    # an order that came in another way, without a promise of its own
    take(paid("2", goods("A", 2)))
    route(order_ids(["2"]), actor=ACTOR, now=NOW)

    assert levels("A") == {"d1": (10, 0), "sh": (2, 0)}
    assert RoutingDecision.objects.get(order__external_id="2").outcome == "unfillable"
