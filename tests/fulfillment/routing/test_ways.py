"""Rules that every policy has for instant delivery and for home delivery by a dealer whom the order does not name."""

from dataclasses import replace
from datetime import date, time

import pytest
from tests.fulfillment.routing.test_ladder import MIDDLE, NEAR, A, B, node, routed, shipped_from, told
from tests.support.company import ACTOR, HANGZHOU, NOW, fulfillments, goods, levels, open_holds, paid, put
from tests.support.following import decisions, retry_all, route_all
from tests.support.intake import take

from tongpan.fulfillment.actions.retry import retry_without_node
from tongpan.fulfillment.models import RoutingDecision
from tongpan.fulfillment.routing.basics import Need
from tongpan.fulfillment.routing.facts import NodeFacts, OrderFacts
from tongpan.fulfillment.routing.language import BadPolicy, read_policy
from tongpan.fulfillment.routing.presets import PRESETS
from tongpan.network.actions import save_nodes, save_services
from tongpan.network.dealers import DealerSpec, save_dealers
from tongpan.network.engine import NodeRules, NodeSpec, ServiceSpec, Timetable
from tongpan.orders.engine import DeliveryDoc, ShipTo

BY = {"actor": ACTOR, "now": NOW}
NEAREST = PRESETS["nearest-then-fewest"]["rules"]
NOW_HERE = OrderFacts(order_id=1, place=(0.0, 0.0), method="instant", province="上海市", city="上海市")
BY_DEALER = OrderFacts(order_id=1, place=(0.0, 0.0), method="dealer", province="浙江省", city="杭州市")
OWES = NodeFacts(territory=("浙江",), services=("home_delivery",))
TO_HANGZHOU = ShipTo("浙江省", "杭州市", *HANGZHOU)
CLOSED_TODAY = Timetable([(0, time(9), time(18))])
"""Open on Mondays; NOW is a Wednesday."""


def test_instant_delivery_comes_from_near_by_or_not_at_all():
    near, far = node(1, 9.0), node(2, 11.0)

    made = routed(NEAREST, {(A, 1): 1, (A, 2): 5}, order=NOW_HERE, nodes=[near, far])
    assert (made.rule, shipped_from(made)) == ("instant-open", {1: 1})
    assert told(made)["n2"] == ("beyond", {"km": 10})
    stuck = routed(NEAREST, {(A, 2): 5}, order=NOW_HERE, nodes=[near, far])
    assert (stuck.outcome, stuck.rule, stuck.explanation["queue"]) == (
        "unfillable", "instant-near", "instant-unavailable")  # fmt: skip
    # An order that is sent the ordinary way is not bound to the radius.
    assert shipped_from(routed(NEAREST, {(A, 2): 5}, order=replace(NOW_HERE, method="ship"), nodes=[near, far])) == {
        2: 1
    }


def test_instant_delivery_is_never_split_and_needs_a_known_place():
    both = [node(1, 1.0), node(2, 2.0)]
    needs = [Need(1, A, 1), Need(2, B, 1)]

    assert routed(NEAREST, {(A, 1): 1, (B, 2): 1}, needs, order=NOW_HERE, nodes=both).picks == ()
    assert routed(NEAREST, {(A, 1): 1}, order=replace(NOW_HERE, place=None), nodes=both).picks == ()


def test_a_node_that_is_open_delivers_at_once_before_a_nearer_one_that_is_closed():
    both = [node(1, 1.0), node(2, 2.0)]

    made = routed(NEAREST, {(A, 1): 1, (A, 2): 1}, order=NOW_HERE, nodes=both, closed={1: None})
    assert (made.rule, shipped_from(made), told(made)["n1"][0]) == ("instant-open", {2: 1}, "closed")
    at_night = routed(NEAREST, {(A, 1): 1, (A, 2): 1}, order=NOW_HERE, nodes=both, closed={1: None, 2: None})
    assert (at_night.rule, shipped_from(at_night)) == ("instant-near", {1: 1})


def test_the_node_that_an_instant_order_names_delivers_it_and_no_other():
    named = replace(NOW_HERE, pickup_node=2)

    made = routed(NEAREST, {(A, 1): 1, (A, 2): 1}, order=named)
    assert (made.rule, shipped_from(made)) == ("instant-named", {2: 1})
    assert routed(NEAREST, {(A, 1): 1}, order=named).picks == ()
    assert routed(NEAREST, {(A, 1): 1}, order=replace(NOW_HERE, pickup_node=0)).picks == ()


def test_a_policy_says_its_own_radius_or_has_rules_of_its_own():
    wide = read_policy(
        {"rules": NEAREST, "instant": {"nodes": {"within_km": 25, "open": "now"}, "queue": "no-rider"}}, "p", 1
    )
    assert [(rule.name, rule.nodes.within_km, rule.otherwise) for rule in wide.ways] == [
        ("instant-named", None, "no-rider"), ("instant-open", 25, "no-rider"), ("dealer-of-place", None,
        "dealer-unavailable")]  # fmt: skip
    own = read_policy({"rules": [{"name": "rider", "when": {"method": "instant"}, "nodes": {"within_km": 3}}]}, "p", 1)
    assert [rule.name for rule in own.ways] == ["dealer-of-place"]
    with pytest.raises(BadPolicy) as bad:
        read_policy({"rules": NEAREST, "instant": {"nodes": {"only": "order.pickup_node", "within_km": 0}}}, "p", 1)
    assert [where for where, _ in bad.value.problems] == ["instant.nodes.within_km", "instant.nodes.only"]


def test_a_dealer_who_owes_home_delivery_where_the_address_is_delivers():
    facts = {
        1: NodeFacts(territory=("浙江",), services=("repair",)),
        2: OWES,
        3: NodeFacts(territory=("上海",), services=("home_delivery",)),
    }
    made = routed(NEAREST, {(A, 1): 1, (A, 2): 1, (A, 3): 1}, order=BY_DEALER, facts=facts)

    assert (made.rule, shipped_from(made)) == ("dealer-of-place", {2: 1})
    assert told(made)["n1"] == ("service", {"service": "home_delivery"})
    assert told(made)["n3"] == ("territory", {"places": ["上海"]})


def test_a_dealer_with_a_territory_of_its_own_stands_before_a_nearer_one_who_serves_everywhere():
    facts = {1: NodeFacts(services=("home_delivery",)), 2: OWES}
    stock = {(A, 1): 1, (A, 2): 1}

    made = routed(NEAREST, stock, order=BY_DEALER, nodes=[NEAR, MIDDLE], facts=facts)
    assert shipped_from(made) == {2: 1}
    assert told(made)["n1"] == ("worse", {"by": "territory"})
    refused = replace(BY_DEALER, rejected={2: "closed"})
    assert shipped_from(routed(NEAREST, stock, order=refused, nodes=[NEAR, MIDDLE], facts=facts)) == {1: 1}


def test_nobody_else_delivers_when_no_dealer_owes_it():
    made = routed(NEAREST, {(A, 1): 1}, order=BY_DEALER)

    assert (made.outcome, made.rule, made.explanation["queue"]) == ("unfillable", "dealer-of-place",
                                                                    "dealer-unavailable")  # fmt: skip


def test_a_policy_may_prefer_dealers_for_orders_that_do_not_ask_for_one():
    rules = [
        {"name": "dealers-first", "nodes": {"service": "home_delivery", "territory": "ignore"}},
        {"name": "anyone"},
    ]
    order = replace(BY_DEALER, method="ship")
    facts = {2: OWES}

    assert shipped_from(routed(rules, {(A, 1): 1, (A, 2): 1}, order=order, facts=facts)) == {2: 1}
    assert routed(rules, {(A, 1): 1}, order=order, facts=facts).rule == "anyone"
    # A service is owed in the dealer's territory only, whatever the rule says about territories.
    elsewhere = replace(order, province="北京市", city="北京市")
    assert shipped_from(routed(rules, {(A, 1): 1, (A, 2): 1}, order=elsewhere, facts=facts)) == {1: 1}


@pytest.fixture
def dealers(company):
    """Dealers "zj" (of 浙江) and "all" (everywhere) serve shop "tm"; both owe home delivery."""
    save_nodes(
        [
            NodeSpec("zj", "dealer", "浙江", latitude=30.9, longitude=120.1, rules=NodeRules(territory=("浙江",))),
            NodeSpec("all", "dealer", "全国", latitude=HANGZHOU[0], longitude=HANGZHOU[1]),
        ],
        **BY,
    )
    save_services([ServiceSpec("tm", ["sh", "hz", "bj", "zj", "all"], "sh")], **BY)
    contract(zj=("home_delivery",), all=("home_delivery", "repair"))
    put("sh", A=5)
    put("zj", A=5)
    put("all", A=5)


def contract(until=None, **services):
    save_dealers(
        [DealerSpec(code, "县级", date(2026, 1, 1), until, True, "list", owed) for code, owed in services.items()], **BY
    )


def test_an_order_that_asks_for_home_delivery_finds_its_dealer_by_territory(dealers):
    take(paid("1", goods("A"), ship_to=TO_HANGZHOU, delivery=DeliveryDoc("dealer")),
         paid("2", goods("A"), ship_to=ShipTo("上海市", "上海市"), delivery=DeliveryDoc("dealer")),
         paid("3", goods("A"), ship_to=TO_HANGZHOU, delivery=DeliveryDoc("dealer", "all")))  # fmt: skip
    route_all()

    assert [(row[0], row[1]) for row in fulfillments("1")] == [("zj", "allocated")]
    assert [(row[0], row[1]) for row in fulfillments("2")] == [("all", "allocated")]
    assert [(row[0], row[1]) for row in fulfillments("3")] == [("all", "allocated")]  # the order's word counts
    assert levels("A")["sh"] == (5, 0)


def test_a_contract_that_ended_owes_nothing_and_a_new_one_lets_the_order_go(dealers):
    contract(zj=("repair",), all=("repair",))
    take(paid("1", goods("A"), ship_to=TO_HANGZHOU, delivery=DeliveryDoc("dealer")))
    route_all()
    assert (fulfillments("1"), open_holds()) == ([], {("1", "no_node")})
    contract(until=date(2026, 11, 18), zj=("home_delivery",))  # ended today
    assert retry_without_node(**BY) == 0

    contract(zj=("home_delivery",))
    assert retry_without_node(**BY) == 1

    assert fulfillments("1") == [("zj", "allocated", {"A": 1})]
    assert open_holds() == set()
    assert [row[2] for row in decisions("1")] == ["dealer-of-place", "dealer-of-place"]


def test_a_dealer_whose_stock_stays_its_own_is_not_given_what_it_did_not_offer(dealers):
    save_dealers([DealerSpec("zj", "县级", date(2026, 1, 1), services=("home_delivery",))], **BY)
    take(paid("1", goods("A"), ship_to=TO_HANGZHOU, delivery=DeliveryDoc("dealer")))
    route_all()

    assert fulfillments("1") == [("all", "allocated", {"A": 1})]
    explanation = RoutingDecision.objects.get().explanation
    assert {row["node"]: row.get("why") for row in explanation["candidates"]}["zj"] == "not-in-pool"


@pytest.mark.usefixtures("company")
def test_instant_delivery_at_night_waits_for_the_near_node_and_never_goes_far():
    put("hz", A=5)
    put("sh", A=5)
    save_nodes([NodeSpec("hz", "sub_warehouse", "hz", latitude=HANGZHOU[0], longitude=HANGZHOU[1],
                         hours=CLOSED_TODAY)], **BY)  # fmt: skip
    take(paid("1", goods("A"), ship_to=TO_HANGZHOU, delivery=DeliveryDoc("instant")),
         paid("2", goods("A"), ship_to=ShipTo("北京市", "北京市"), delivery=DeliveryDoc("instant")))  # fmt: skip
    route_all()

    assert fulfillments("1") == [("hz", "allocated", {"A": 1})]
    assert (decisions("1"), decisions("2")) == ([(1, "routed", "instant-near")], [(1, "unfillable", "instant-near")])
    assert open_holds() == {("2", "no_node")}
    assert retry_all("A") == 0
