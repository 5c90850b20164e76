"""Climbing the rules of a policy: which nodes a rule takes, how it ranks them, and what the explanation says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.fulfillment.routing.basics import Move, Need, NodeView, Plan
from tongpan.fulfillment.routing.facts import NodeFacts, OrderFacts, Snapshot
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.language import read_policy
from tongpan.fulfillment.routing.planning import plan_order
from tongpan.fulfillment.routing.presets import PRESETS, preset

A, B = 1, 2
HERE = OrderFacts(order_id=1, place=(0.0, 0.0), province="上海市", city="上海市", value=20_000)


def flat(lat1, lon1, lat2, lon2):
    return ((lat1 - lat2) ** 2 + (lon1 - lon2) ** 2) ** 0.5


def node(number, km):
    return NodeView(number, f"n{number}", 0.0, km)


NEAR, MIDDLE, FAR = node(1, 10.0), node(2, 20.0), node(3, 300.0)
NODES = [NEAR, MIDDLE, FAR]


def routed(rules, stock, needs=None, order=HERE, nodes=NODES, after=None, **snapshot) -> Plan:
    """Route by a policy of ``rules``; stock: units by (SKU, node)."""
    nested: dict[int, dict[int, int]] = {}
    for (sku, number), units in stock.items():
        nested.setdefault(sku, {})[number] = units
    policy = read_policy({"rules": rules, "after": after or {}}, "p", 1)
    ladder = Ladder(policy, nodes, Snapshot(nested, **snapshot), flat)
    return plan_order(ladder, order, needs or [Need(1, A, 1)])


def shipped_from(made: Plan) -> dict[int, int]:
    units: dict[int, int] = {}
    for pick in made.picks:
        units[pick.node_id] = units.get(pick.node_id, 0) + pick.qty
    return units


def told(made: Plan) -> dict[str, tuple]:
    return {row["node"]: (row.get("why", row["outcome"]), row.get("because")) for row in made.explanation["candidates"]}


EVERYWHERE = {(A, 1): 9, (A, 2): 9, (A, 3): 9}


@pytest.mark.parametrize(
    ("nodes", "facts", "more", "out"),
    [
        ({"groups": ["w"]}, {2: NodeFacts(("w",)), 3: NodeFacts(("w",))}, {}, ("group", {"groups": ["w"]})),
        ({}, {1: NodeFacts(in_pool=False)}, {}, ("not-in-pool", None)),
        ({}, {1: NodeFacts(territory=("北京",))}, {}, ("territory", {"places": ["北京"]})),
        ({}, {1: NodeFacts(order_limit=40)}, {"given": {1: 40}}, ("order-limit", {"given": 40, "limit": 40})),
        (
            {"facilities": ["pickup"]},
            {2: NodeFacts(facilities=("pickup",)), 3: NodeFacts(facilities=("pickup",))},
            {},
            ("facility", {"lacks": ["pickup"]}),
        ),
        (
            {"open": "now"},
            {},
            {"closed": {1: datetime(2026, 11, 23, 1, tzinfo=UTC)}},
            ("closed", {"until": "2026-11-23T01:00:00+00:00"}),
        ),
        ({"open": "now"}, {}, {"closed": {1: None}}, ("closed", None)),
        ({"min_stock_age_days": 30}, {}, {"ages": {A: {1: 29, 2: 30, 3: 90}}}, ("young", {"days": 29, "least": 30})),
    ],
)
def test_the_first_thing_that_takes_a_node_out_is_told(nodes, facts, more, out):
    made = routed([{"name": "a", "nodes": nodes}], EVERYWHERE, facts=facts, **more)

    assert shipped_from(made) == {2: 1}
    assert told(made) == {"n1": out, "n2": ("chosen", None), "n3": ("farther", None)}


def test_limits_and_territories_may_be_ignored_and_a_place_in_the_territory_is_kept():
    facts = {1: NodeFacts(order_limit=0, territory=("上海",)), 2: NodeFacts(), 3: NodeFacts()}

    assert shipped_from(routed([{"name": "a"}], EVERYWHERE, facts=facts)) == {2: 1}
    assert shipped_from(routed([{"name": "a", "nodes": {"order_limit": "ignore"}}], EVERYWHERE, facts=facts)) == {1: 1}


def test_a_node_beyond_the_limit_is_left_to_a_later_rule_that_says_what_came_before():
    rules = [{"name": "near", "nodes": {"within_km": 15}}, {"name": "any", "rank": ["distance"]}]

    made = routed(rules, {(A, 2): 1, (A, 3): 1})

    assert (made.rule, shipped_from(made)) == ("any", {2: 1})
    assert made.explanation["tried"] == [{"rule": "near", "why": "short", "removed": {"beyond": 2}}]


def test_a_floor_of_the_rule_leaves_units_and_says_so():
    made = routed([{"name": "a", "nodes": {"floor": 2}}], {(A, 1): 3, (A, 2): 9}, [Need(1, A, 2)])

    assert shipped_from(made) == {2: 2}
    row = made.explanation["candidates"][0]
    assert (row["why"], row["floors"]) == ("short", [{"sku_id": A, "floor": 2, "leaves": 1, "of": 3}])


def test_the_higher_of_two_floors_counts_and_the_nodes_own_may_be_ignored():
    floors, stock = {A: {1: 5}}, {(A, 1): 6, (A, 2): 6}

    assert shipped_from(routed([{"name": "a", "nodes": {"floor": 2}}], stock, [Need(1, A, 3)], floors=floors)) == {2: 3}
    ignored = [{"name": "a", "nodes": {"floor": 2, "floors": "ignore"}}]
    assert shipped_from(routed(ignored, stock, [Need(1, A, 3)], floors=floors)) == {1: 3}


@pytest.mark.parametrize(
    ("rank", "more", "chosen", "values"),
    [
        (["cost", "distance"], {"facts": {1: NodeFacts(base_cost=900), 2: NodeFacts(base_cost=500, cost_per_km=10),
                                          3: NodeFacts(base_cost=100, cost_per_km=10)}}, 2, [700, 200]),
        (["stock_age", "distance"], {"ages": {A: {1: 1, 2: 50, 3: 50}}}, 2, [50, 200]),
        (["priority"], {"facts": {1: NodeFacts(priority=2), 2: NodeFacts(priority=1)}}, 2, [1]),
        (["load", "distance"], {"given": {1: 5, 2: 1, 3: 1}}, 2, [1, 200]),
        (["balance"], {"facts": dict.fromkeys((1, 2, 3), NodeFacts(order_limit=10)), "given": {1: 5, 2: 1, 3: 2}},
         2, [100]),
        (["capacity_left"], {"facts": {n: NodeFacts(order_limit=limit) for n, limit in ((1, 9), (2, 50), (3, 9))}},
         2, [50]),
        (["store_minimum", "distance"], {"minimums": {A: {1: 9, 2: 2, 3: 2}}}, 2, [1, 200]),
        (["distance desc"], {}, 3, [3000]),
    ],
)  # fmt: skip
def test_nodes_are_ranked_one_thing_after_the_other(rank, more, chosen, values):
    made = routed([{"name": "a", "rank": rank}], EVERYWHERE, **more)

    assert shipped_from(made) == {chosen: 1}
    [row] = [row for row in made.explanation["candidates"] if row["outcome"] == "chosen"]
    assert row["values"] == values
    assert made.explanation["ranks"] == [key.split()[0] for key in rank]
    assert told(made)["n1"] == ("worse", {"by": rank[0].split()[0]})


def test_groups_rank_in_the_order_in_which_the_rule_names_them():
    facts = {1: NodeFacts(("ship-from-store",)), 2: NodeFacts(("warehouses",)), 3: NodeFacts(("warehouses",))}
    rule = {"name": "a", "nodes": {"groups": ["warehouses", "ship-from-store"]}, "rank": ["group", "distance"]}

    assert shipped_from(routed([rule], EVERYWHERE, facts=facts)) == {2: 1}


def test_costs_that_are_not_known_come_last():
    facts = {1: NodeFacts(), 2: NodeFacts(base_cost=99_999), 3: NodeFacts(base_cost=99_999)}

    assert shipped_from(routed([{"name": "a", "rank": ["cost", "distance"]}], EVERYWHERE, facts=facts)) == {2: 1}


def test_six_and_four_are_split_as_six_and_four():
    made = routed([{"name": "a", "split": "any"}], {(A, 1): 6, (A, 2): 6}, [Need(1, A, 10)])

    assert shipped_from(made) == {1: 6, 2: 4}


def test_a_set_of_nodes_is_the_cheapest_of_the_smallest():
    facts = {1: NodeFacts(base_cost=900), 2: NodeFacts(base_cost=900), 3: NodeFacts(base_cost=100)}
    rule = {"name": "a", "rank": ["parcels", "cost"], "split": "any"}

    assert shipped_from(routed([rule], {(A, 1): 6, (A, 2): 6, (A, 3): 6}, [Need(1, A, 10)], facts=facts)) == {
        3: 6,
        1: 4,
    }


@pytest.mark.parametrize(
    ("split", "why"),
    [("never", "short"), ({"max_parcels": 2}, "parcels"), ({"min_order_value": 20_001}, "value")],
)
def test_an_order_that_may_not_be_split_waits(split, why):
    made = routed([{"name": "a", "split": split}], {(A, 1): 2, (A, 2): 2, (A, 3): 2}, [Need(1, A, 6)])

    assert (made.outcome, made.rule) == ("unfillable", "no-rule" if why != "short" else "no-stock")
    assert made.explanation.get("ended", {"why": "short"})["why"] == why


def test_kits_are_kept_together_when_the_rule_says_so():
    needs, stock = [Need(1, A, 1, kits=1), Need(1, B, 1, kits=1)], {(A, 1): 1, (B, 2): 1}

    assert shipped_from(routed([{"name": "a", "split": "any"}], stock, needs)) == {1: 1, 2: 1}
    kept = routed([{"name": "a", "split": {"keep_kits_together": True}}], stock, needs)
    assert kept.outcome == "unfillable"


def test_goods_are_gathered_at_one_node_from_the_nearest():
    rules = [{"name": "gather", "transfer": {"max_wait_days": 3}}]

    made = routed(rules, {(A, 1): 2, (A, 2): 3, (A, 3): 9}, [Need(1, A, 6)])

    assert (made.outcome, made.rule, made.transfers) == ("unfillable", "gather", [Move(2, 1, A, 3), Move(3, 1, A, 1)])
    assert made.explanation["transfers"] == [
        {"from": "n2", "to": "n1", "sku_id": A, "qty": 3}, {"from": "n3", "to": "n1", "sku_id": A, "qty": 1},
    ]  # fmt: skip


def test_an_order_waits_for_its_transfer_and_goes_on_when_it_waited_too_long():
    rules = [{"name": "gather", "transfer": {"max_wait_days": 3}}, {"name": "split", "split": "any"}]
    waits = OrderFacts(place=(0.0, 0.0), awaits="gather")

    assert routed(rules, {(A, 1): 2, (A, 2): 3}, [Need(1, A, 4)], waits).transfers == ()
    late = OrderFacts(place=(0.0, 0.0), awaits="gather", waited=True)
    assert shipped_from(routed(rules, {(A, 1): 2, (A, 2): 3}, [Need(1, A, 4)], late)) == {1: 2, 2: 2}


def test_a_rule_is_for_the_orders_that_it_names():
    rules = [
        {"name": "gold", "when": {"tag": "vip", "min_value": 10_000}, "rank": ["distance desc"]},
        {"name": "shanghai", "when": {"place": ["上海"], "method": "instant"}, "nodes": {"within_km": 15}},
        {"name": "all"},
    ]

    assert routed(rules, EVERYWHERE).rule == "all"
    assert routed(rules, EVERYWHERE, order=OrderFacts(tags=["vip"], value=10_000, place=(0.0, 0.0))).rule == "gold"
    instant = OrderFacts(method="instant", province="上海市", city="上海市", place=(0.0, 0.0))
    assert routed(rules, EVERYWHERE, order=instant).rule == "shanghai"


def test_a_pickup_comes_from_the_chosen_store_or_waits_in_its_queue():
    rules = preset("default-cn")
    ladder = Ladder(rules, NODES, Snapshot({A: {1: 5, 2: 1}}), flat)

    assert shipped_from(plan_order(ladder, OrderFacts(method="pickup", pickup_node=2), [Need(1, A, 1)])) == {2: 1}
    stuck = plan_order(ladder, OrderFacts(method="pickup", pickup_node=2), [Need(1, A, 2)])
    assert (stuck.outcome, stuck.rule, stuck.explanation["queue"]) == (
        "unfillable",
        "chosen-store",
        "pickup-unavailable",
    )


def test_an_order_that_every_node_refused_says_so():
    refused = OrderFacts(place=(0.0, 0.0), rejected={1: "damaged", 2: ""})

    made = routed([{"name": "a"}], {(A, 1): 5, (A, 2): 5}, order=refused, nodes=[NEAR, MIDDLE])

    assert (made.outcome, made.rule) == ("unfillable", "all-rejected")
    assert told(made) == {"n1": ("rejected", {"reason": "damaged"}), "n2": ("rejected", {"reason": ""})}


def test_an_address_that_is_known_only_roughly_is_flagged():
    vague = OrderFacts(place=(0.0, 0.0), is_vague=True)

    assert routed([{"name": "a"}], EVERYWHERE, order=vague).explanation["place"] == "province"
    assert routed([{"name": "a"}], EVERYWHERE, order=OrderFacts(is_vague=True)).explanation["place"] == "unknown"


ladders = st.sampled_from(sorted(PRESETS))
stocks = st.dictionaries(st.tuples(st.sampled_from([A, B, 3]), st.integers(1, 7)), st.integers(0, 6), max_size=16)
wanted = st.lists(st.tuples(st.sampled_from([A, B, 3]), st.integers(1, 8)), min_size=1, max_size=4)


@settings(max_examples=120, deadline=None)
@given(ladders, stocks, wanted, st.randoms(use_true_random=False))
def test_no_policy_takes_more_than_is_there_and_the_order_of_what_goes_in_decides_nothing(code, stock, wanted, chance):
    nodes = [NodeView(n, f"n{n}", float(n % 3), float(n * 37 % 11)) for n in range(1, 8)]
    facts = {
        n.id: NodeFacts(("warehouses",) if n.id % 2 else ("ship-from-store",), base_cost=n.id * 100, cost_per_km=3)
        for n in nodes
    }
    needs = [Need(line, sku, qty) for line, (sku, qty) in enumerate(wanted, 1)]
    nested: dict[int, dict[int, int]] = {}
    for (sku, number), units in stock.items():
        nested.setdefault(sku, {})[number] = units
    mixed_nodes = list(nodes)
    chance.shuffle(mixed_nodes)
    mixed_stock = {sku: dict(sorted(at.items(), reverse=True)) for sku, at in reversed(nested.items())}

    made = plan_order(Ladder(preset(code), nodes, Snapshot(nested, facts=facts), flat), HERE, needs)
    again = plan_order(Ladder(preset(code), mixed_nodes, Snapshot(mixed_stock, facts=facts), flat), HERE, needs)
    ladder = Ladder(preset(code), nodes, Snapshot(nested, facts=facts), flat)
    unexplained = plan_order(ladder, HERE, needs, explained=False)

    assert made == again
    assert replace(made, explanation={}) == unexplained
    taken: dict[tuple[int, int], int] = {}
    for pick in made.picks:
        taken[pick.sku_id, pick.node_id] = taken.get((pick.sku_id, pick.node_id), 0) + pick.qty
    assert all(units <= nested.get(sku, {}).get(number, 0) for (sku, number), units in taken.items())
    served = {need.order_line_id: 0 for need in needs}
    for pick in made.picks:
        served[pick.order_line_id] += pick.qty
    assert served == ({n.order_line_id: n.qty for n in needs} if made.outcome == "routed" else dict.fromkeys(served, 0))
