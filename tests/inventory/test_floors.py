"""Three floors, each with a meaning of its own, and the minimum cover of core goods."""

import pytest
from tests.support.company import ACTOR, HOUR, NOW, SHANGHAI, fulfillments, goods, open_holds, paid, put, shipped
from tests.support.following import retry_all, route_all
from tests.support.intake import take

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.actions.floors import count_sales, save_covers, save_node_policies
from tongpan.inventory.engine.policies import CoverSpec, NodePolicySpec
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": ACTOR, "now": NOW}
HERE = ShipTo(latitude=SHANGHAI[0], longitude=SHANGHAI[1])


def explained(number):
    rows = fetch_all(
        """SELECT d.explanation->'candidates' FROM fulfillment_routingdecision d
           JOIN orders_order o ON o.id = d.order_id WHERE o.external_id = %s ORDER BY d.attempt DESC""",
        [number],
    )
    import json

    found = rows[0][0]
    return {one["node"]: one for one in (json.loads(found) if isinstance(found, str) else found)}


def test_routing_leaves_the_last_units_of_a_node_and_says_so():
    put("sh", A=3)
    put("hz", A=9)
    save_node_policies([NodePolicySpec("sh", "A", routing_floor=2)], **BY)

    take(paid("1", goods("A", 2), ship_to=HERE))
    route_all()

    assert fulfillments("1") == [("hz", "allocated", {"A": 2})]
    sku = fetch_all("SELECT id FROM catalog_sku")[0][0]
    assert explained("1")["sh"]["floors"] == [{"sku_id": sku, "floor": 2, "leaves": 1, "of": 3}]
    # and above its floor the node serves
    take(paid("2", goods("A", 1), ship_to=HERE))
    route_all("2")
    assert fulfillments("2") == [("sh", "allocated", {"A": 1})]


def test_the_floor_of_a_sku_stands_before_the_one_of_the_node():
    put("sh", A=3, B=3)
    save_node_policies([NodePolicySpec("sh", "", routing_floor=3), NodePolicySpec("sh", "A", routing_floor=0)], **BY)

    take(paid("1", goods("A", 3)), paid("2", goods("B")))

    assert route_all() == {"1": "routed", "2": "unfillable"}
    assert open_holds() == {("2", "out_of_stock")}
    save_node_policies([NodePolicySpec("sh", "")], **BY)
    assert retry_all("B") == 1


def test_goods_that_left_and_nodes_that_the_channel_names_know_no_floor():
    put("sh", A=3)
    save_node_policies([NodePolicySpec("sh", "A", routing_floor=3)], **BY)

    take(shipped("1", goods("A")), paid("2", goods("A", wanted_node="sh")))

    assert route_all() == {"1": "routed", "2": "routed"}


def test_cover_in_days_is_counted_in_what_is_sold():
    put("sh", A=100)
    take(shipped("1", goods("A", 56), dispatched_at=NOW - HOUR))
    route_all()

    save_covers([CoverSpec("A", units=3, days=7)], **BY)

    assert fetch_all("SELECT daily, counted_at FROM inventory_cover") == [(2, NOW)]
    assert fetch_all("SELECT is_core FROM catalog_sku") == [(True,)]
    assert count_sales(now=NOW) == 0
    assert count_sales(now=NOW.replace(year=2027)) == 1
    assert fetch_all("SELECT daily FROM inventory_cover") == [(0,)]


@pytest.mark.parametrize("act, code", [
    (lambda: save_node_policies([NodePolicySpec("none")], **BY), "policy.unknown"),
    (lambda: save_node_policies([NodePolicySpec("sh", "A", -1)], **BY), "policy.value"),
    (lambda: save_node_policies([NodePolicySpec("sh"), NodePolicySpec("sh")], **BY), "policy.twice"),
    (lambda: save_covers([CoverSpec("none")], **BY), "policy.unknown"),
    (lambda: save_covers([CoverSpec("A", days=1000)], **BY), "policy.value"),
])  # fmt: skip
def test_what_cannot_be_a_floor_is_refused(act, code):
    put("sh", A=1)

    with pytest.raises(Refusal) as refused:
        act()

    assert refused.value.code == code
    assert fetch_all("SELECT count(*) FROM inventory_nodepolicy") == [(0,)]
