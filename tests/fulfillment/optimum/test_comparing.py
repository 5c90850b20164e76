"""The ladder beside the optimum: on the same snapshot, within the same policy, and never better."""

from tongpan.fulfillment.optimum.comparing import Turn, compare
from tongpan.fulfillment.optimum.model import Score, by_distance
from tongpan.fulfillment.routing.basics import Need, NodeView
from tongpan.fulfillment.routing.facts import NodeFacts, OrderFacts, Snapshot
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.language import read_policy
from tongpan.fulfillment.routing.presets import DEFAULT, preset


def far_apart(lat1, lon1, lat2, lon2):
    return abs(lat1 - lat2) + abs(lon1 - lon2)


NODES = {number: NodeView(number, f"N{number}", x, 0.0) for number, x in ((1, 0.0), (2, 50.0), (3, 90.0))}


def compared(stock, orders, policy=None, floors=None, facts=None):
    """orders: (place, needs as (SKU, units) pairs)."""
    snapshot = Snapshot(stock, floors or {}, facts=facts or {})
    ladder = Ladder(policy or preset(DEFAULT), list(NODES.values()), snapshot, far_apart)
    turns = [
        Turn(
            OrderFacts(number, (x, 0.0)),
            [Need(number * 10 + i, sku, qty) for i, (sku, qty) in enumerate(needs)],
            ladder,
        )
        for number, (x, needs) in enumerate(orders, 1)
    ]
    return compare(turns, NODES, stock, by_distance(far_apart))


def test_the_ladder_gives_the_first_what_the_second_needed_more():
    found = compared({1: {1: 1, 2: 1}, 2: {1: 1}}, [(10.0, [(1, 1)]), (0.0, [(1, 1), (2, 1)])])

    assert found.ladder == Score(0, 3, 100 + 500)
    assert found.best.score == Score(0, 2, 400)
    assert found.apart == Score(0, 1, 200)
    assert (found.best.is_proven, found.loads) == (True, {1: 2, 2: 1})


def test_both_leave_the_floors_of_nodes():
    found = compared({1: {1: 2, 2: 2}}, [(0.0, [(1, 2)])], floors={1: {1: 1}})

    assert (found.ladder, found.best.score) == (Score(0, 1, 500), Score(0, 1, 500))


def test_the_optimum_keeps_to_the_nodes_and_parcels_of_the_policy():
    document = {
        "rules": [
            {"name": "near", "nodes": {"within_km": 60}, "rank": ["distance asc"], "split": "never"},
            {"name": "two", "nodes": {"within_km": 60}, "rank": ["distance asc"], "split": {"max_parcels": 2}},
        ]
    }
    policy = read_policy(document, "narrow", 1)
    stock = {1: {1: 1}, 2: {2: 1}, 3: {3: 1}}

    assert compared({sku: dict(at) for sku, at in stock.items()}, [(0.0, [(1, 1), (2, 1)])], policy).apart == Score(
        0, 0, 0
    )
    found = compared(stock, [(0.0, [(1, 1), (2, 1), (3, 1)])], policy)
    assert (found.ladder, found.best.score, found.best.is_proven) == (Score(1, 0, 0), Score(1, 0, 0), True)


def test_a_node_that_has_its_orders_for_today_is_for_neither():
    facts = {1: NodeFacts(order_limit=0)}
    found = compared({1: {1: 5, 2: 5}}, [(0.0, [(1, 1)])], facts=facts)

    assert found.ladder == found.best.score == Score(0, 1, 500)


def test_taken_goods_are_taken_off_the_stock_that_was_given():
    stock = {1: {1: 3}}

    found = compared(stock, [(0.0, [(1, 2)]), (0.0, [(1, 2)])])

    assert stock == {1: {1: 1}}
    assert found.ladder == found.best.score == Score(1, 1, 0)
