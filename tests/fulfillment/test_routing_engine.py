"""The routing engine alone: a snapshot goes in, a plan with its reasons comes out."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.fulfillment.engine import Need, NodeView, Plan, plan

A, B, C = 1, 2, 3


def flat(lat1, lon1, lat2, lon2):
    """Distance on a plane, so that expected figures can be read off."""
    return ((lat1 - lat2) ** 2 + (lon1 - lon2) ** 2) ** 0.5


def node(number, km, code="", **more):
    return NodeView(number, code or f"n{number}", 0.0 if km is not None else None, km, **more)


HERE = (0.0, 0.0)
NEAR, MIDDLE, FAR = node(1, 10.0), node(2, 20.0), node(3, 30.0)


def by_sku(stock):
    """Free units by (SKU, node), as the engine takes them."""
    nested = {}
    for (sku, number), units in stock.items():
        nested.setdefault(sku, {})[number] = units
    return nested


def routed(needs, nodes, stock, place=HERE, **more) -> Plan:
    return plan(needs, place, nodes, by_sku(stock), flat, **more)


def shipped_from(made: Plan) -> dict[int, int]:
    units: dict[int, int] = {}
    for pick in made.picks:
        units[pick.node_id] = units.get(pick.node_id, 0) + pick.qty
    return units


def why(made: Plan) -> dict[str, str]:
    return {row["node"]: row.get("why", row["outcome"]) for row in made.explanation["candidates"]}


def test_the_nearest_node_with_all_goods_ships_all():
    made = routed(
        [Need(11, A, 2), Need(12, B, 1)], [FAR, MIDDLE, NEAR], {(A, 1): 9, (A, 2): 2, (B, 2): 1, (A, 3): 9, (B, 3): 9}
    )

    assert (made.outcome, made.rule) == ("routed", "nearest-with-all")
    assert list(made.picks) == [(2, 11, A, 2), (2, 12, B, 1)]
    assert made.explanation == {
        "candidates": [
            {
                "node": "n1", "km": 10.0, "have": 1, "of": 2, "rank": 1, "outcome": "eliminated", "why": "short",
                "missing": [B],
            },
            {"node": "n2", "km": 20.0, "have": 2, "of": 2, "rank": 2, "outcome": "chosen"},
            {"node": "n3", "km": 30.0, "have": 2, "of": 2, "rank": 3, "outcome": "eliminated", "why": "farther"},
        ]
    }  # fmt: skip


def test_equally_near_nodes_are_decided_by_their_code():
    twins = [node(5, 7.0, "b"), node(4, 7.0, "c"), node(6, 7.0, "a")]

    made = routed([Need(1, A, 1)], twins, {(A, 4): 1, (A, 5): 1, (A, 6): 1})

    assert shipped_from(made) == {6: 1}
    assert why(made) == {"a": "chosen", "b": "farther", "c": "farther"}


def test_six_and_twenty_serve_ten_from_the_node_that_has_them_all():
    made = routed([Need(1, A, 10)], [NEAR, FAR], {(A, 1): 6, (A, 3): 20})

    assert (made.rule, list(made.picks)) == ("nearest-with-all", [(3, 1, A, 10)])


def test_six_and_six_serve_ten_as_six_and_four():
    made = routed([Need(1, A, 10)], [FAR, NEAR], {(A, 1): 6, (A, 3): 6})

    assert (made.outcome, made.rule) == ("routed", "fewest-nodes")
    assert list(made.picks) == [(1, 1, A, 6), (3, 1, A, 4)]
    assert why(made) == {"n1": "chosen", "n3": "chosen"}


def test_fewer_nodes_beat_nearer_ones():
    # given four units near in two nodes, and a pair of nodes far away that has all
    nodes = [node(1, 1.0), node(2, 2.0), node(3, 3.0), node(4, 400.0), node(5, 500.0)]
    stock = {(A, 1): 2, (A, 2): 2, (A, 3): 2, (A, 4): 3, (A, 5): 3}

    made = routed([Need(1, A, 6)], nodes, stock)

    assert shipped_from(made) == {4: 3, 5: 3}
    assert why(made)["n1"] == "more-nodes"


def test_of_equally_small_sets_the_nearest_wins():
    nodes = [node(1, 1.0), node(2, 50.0), node(3, 60.0), node(4, 40.0)]
    stock = {(A, 1): 1, (B, 2): 1, (B, 3): 1, (B, 4): 1}

    made = routed([Need(1, A, 1), Need(2, B, 1)], nodes, stock)

    assert shipped_from(made) == {1: 1, 4: 1}


def test_a_line_is_not_split_when_one_chosen_node_has_it_whole():
    nodes = [node(1, 1.0), node(2, 2.0)]
    stock = {(A, 1): 3, (A, 2): 5, (B, 1): 1}

    made = routed([Need(1, A, 4), Need(2, B, 1)], nodes, stock)

    assert list(made.picks) == [(2, 1, A, 4), (1, 2, B, 1)]


def test_two_lines_of_one_sku_share_what_a_node_has():
    made = routed([Need(1, A, 4), Need(2, A, 4)], [NEAR, FAR], {(A, 1): 7, (A, 3): 1})

    assert shipped_from(made) == {1: 7, 3: 1}
    assert {line: sum(p.qty for p in made.picks if p.order_line_id == line) for line in (1, 2)} == {1: 4, 2: 4}


def test_two_lines_of_one_sku_are_not_promised_the_same_units():
    made = routed([Need(1, A, 4), Need(2, A, 4)], [NEAR], {(A, 1): 7})

    assert (made.outcome, made.rule, made.picks) == ("unfillable", "no-stock", ())
    assert made.explanation["short"] == [{"sku_id": A, "have": 7, "need": 8}]


def test_a_node_without_a_place_is_farther_than_any_other():
    nowhere, far = node(1, None, "a"), node(2, 4000.0, "b")

    assert shipped_from(routed([Need(1, A, 1)], [nowhere, far], {(A, 1): 1, (A, 2): 1})) == {2: 1}
    # and in a set of nodes as well
    nodes = [node(3, 5.0), nowhere, far]
    assert shipped_from(routed([Need(1, A, 2)], nodes, {(A, 1): 1, (A, 2): 1, (A, 3): 1})) == {2: 1, 3: 1}


def test_without_a_place_to_go_codes_decide():
    nodes = [node(1, 5.0, "c"), node(2, 500.0, "a"), node(3, None, "b")]

    made = routed([Need(1, A, 1)], nodes, {(A, 1): 1, (A, 2): 1, (A, 3): 1}, place=None)

    assert shipped_from(made) == {2: 1}
    assert [(row["node"], row["km"]) for row in made.explanation["candidates"]] == [
        ("a", None),
        ("b", None),
        ("c", None),
    ]


def test_a_supplier_never_lacks():
    supplier = node(9, 900.0, tracks_stock=False)

    assert shipped_from(routed([Need(1, A, 10**6)], [NEAR, supplier], {(A, 1): 5})) == {9: 10**6}
    # but a nearer warehouse that has all goes first
    assert shipped_from(routed([Need(1, A, 5)], [NEAR, supplier], {(A, 1): 5})) == {1: 5}


def test_a_named_node_ships_whatever_is_nearer():
    made = routed([Need(1, A, 1, wanted_node=3)], [NEAR], {(A, 1): 9, (A, 3): 1}, named={3: FAR})

    assert (made.outcome, made.rule, list(made.picks)) == ("routed", "named-node", [(3, 1, A, 1)])
    assert made.explanation == {
        "candidates": [{"node": "n3", "km": None, "have": 1, "of": 1, "outcome": "chosen", "why": "named"}]
    }


@pytest.mark.parametrize(
    "_case, wanted, named, short",
    [
        ("it has too little", 3, {3: FAR}, {"sku_id": A, "have": 1, "need": 2}),
        ("nobody knows it", 0, {}, {"sku_id": A, "have": 0, "need": 2}),
    ],
)
def test_a_named_node_that_cannot_ship_is_not_replaced(_case, wanted, named, short):
    made = routed([Need(1, A, 2, wanted_node=wanted)], [NEAR], {(A, 1): 9, (A, 3): 1}, named=named)

    assert (made.outcome, made.rule, made.picks) == ("unfillable", "named-node", ())
    assert made.explanation == {"candidates": [], "short": [short]}


def test_lines_that_name_nobody_are_searched_for_beside_those_that_do():
    needs = [Need(1, A, 1, wanted_node=3), Need(2, A, 2), Need(3, B, 1)]

    made = routed(needs, [NEAR, MIDDLE, FAR], {(A, 2): 9, (B, 2): 9, (A, 3): 2, (B, 3): 1}, named={3: FAR})

    assert (made.outcome, made.rule) == ("routed", "nearest-with-all")
    assert list(made.picks) == [(3, 1, A, 1), (2, 2, A, 2), (2, 3, B, 1)]
    assert [(row["node"], row.get("why", row["outcome"])) for row in made.explanation["candidates"]] == [
        ("n3", "named"),
        ("n1", "short"),
        ("n2", "chosen"),
        ("n3", "short"),
    ]


def test_a_node_that_is_named_is_not_a_candidate_for_other_lines():
    made = routed([Need(1, A, 1, wanted_node=3), Need(2, A, 1)], [NEAR], {(A, 3): 9}, named={3: FAR})

    assert (made.outcome, made.picks) == ("unfillable", ())
    assert made.explanation["short"] == [{"sku_id": A, "have": 0, "need": 1}]


def test_what_is_missing_is_told_by_sku():
    made = routed([Need(1, A, 3), Need(2, B, 1), Need(3, C, 2)], [NEAR, FAR], {(A, 1): 1, (A, 3): 1, (B, 1): 1})

    assert (made.outcome, made.rule) == ("unfillable", "no-stock")
    assert made.explanation["short"] == [
        {"sku_id": A, "have": 2, "need": 3},
        {"sku_id": C, "have": 0, "need": 2},
    ]
    assert why(made) == {"n1": "short", "n3": "short"}


def test_a_shop_that_no_node_serves_is_told_so():
    made = routed([Need(1, A, 1)], [], {})

    assert (made.outcome, made.rule) == ("unfillable", "no-node")
    assert made.explanation == {"candidates": [], "short": [{"sku_id": A, "have": 0, "need": 1}]}


def test_more_than_three_nodes_are_added_by_what_they_cover():
    # given twelve SKUs spread over 40 nodes so that no three nodes have all
    needs = [Need(sku, sku, 5) for sku in range(1, 13)]
    nodes = [node(number, float(number)) for number in range(1, 41)]
    stock = {(sku, number): 5 for sku in range(1, 13) for number in (sku, sku + 12, sku + 24)}

    made = routed(needs, nodes, stock)

    assert (made.outcome, made.rule) == ("routed", "fewest-nodes")
    assert shipped_from(made) == dict.fromkeys(range(1, 13), 5)


def test_five_hundred_nodes_are_searched_in_bounded_work():
    # given an order that no pair of 500 nodes can fill, and countless sets of three that can
    nodes = [node(number, float(number % 97), f"n{number:03}") for number in range(500)]
    stock = {(sku, number): 4 for sku in (A, B) for number in range(500)}

    made = routed([Need(1, A, 10), Need(2, B, 10)], nodes, stock)

    assert len(shipped_from(made)) == 3
    assert sum(shipped_from(made).values()) == 20
    # the three nearest ones: those at no distance, by code
    assert sorted(shipped_from(made)) == [0, 97, 194]


def test_five_hundred_nodes_with_one_sku_each_end_in_bounded_work():
    nodes = [node(number, float(number), f"n{number:03}") for number in range(500)]
    stock = {(1 + number % 6, number): 2 for number in range(500)}

    made = routed([Need(sku, sku, 2) for sku in range(1, 7)], nodes, stock)

    assert sorted(shipped_from(made)) == [0, 1, 2, 3, 4, 5]


NODES = st.lists(
    st.tuples(st.one_of(st.none(), st.sampled_from([1.0, 2.0, 2.5, 40.0, 41.0])), st.booleans()), min_size=1, max_size=6
).map(lambda rows: [node(i, km, f"n{i}", tracks_stock=i > 0 or not tracks) for i, (km, tracks) in enumerate(rows)])
NEEDS = st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(1, 6)), min_size=1, max_size=4).map(
    lambda rows: [Need(100 + i, sku, qty) for i, (sku, qty) in enumerate(rows)]
)
STOCK = st.dictionaries(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 5)), st.integers(1, 7), max_size=14)


def totals(needs):
    units: dict[int, int] = {}
    for need in needs:
        units[need.sku_id] = units.get(need.sku_id, 0) + need.qty
    return units


def covers(chosen, needs, stock):
    return all(
        any(not n.tracks_stock for n in chosen) or sum(stock.get((sku, n.id), 0) for n in chosen) >= qty
        for sku, qty in totals(needs).items()
    )


@given(NEEDS, NODES, STOCK, st.sampled_from([HERE, None]))
def test_a_plan_serves_every_line_whole_and_takes_no_more_than_is_free(needs, nodes, stock, place):
    made = routed(needs, nodes, stock, place)

    if made.outcome == "unfillable":
        assert not made.picks
        assert not covers(nodes, needs, stock)
        assert made.explanation["short"]
        return
    for need in needs:
        picks = [p for p in made.picks if p.order_line_id == need.order_line_id]
        assert sum(p.qty for p in picks) == need.qty
        assert all(p.sku_id == need.sku_id and p.qty > 0 for p in picks)
        assert len({p.node_id for p in picks}) == len(picks)
    by_id = {n.id: n for n in nodes}
    taken: dict[tuple[int, int], int] = {}
    for p in made.picks:
        taken[(p.sku_id, p.node_id)] = taken.get((p.sku_id, p.node_id), 0) + p.qty
    assert all(qty <= stock.get(key, 0) for key, qty in taken.items() if by_id[key[1]].tracks_stock)


@given(NEEDS, NODES, STOCK, st.sampled_from([HERE, None]))
def test_the_chosen_set_is_the_smallest_and_of_these_the_nearest(needs, nodes, stock, place):
    made = routed(needs, nodes, stock, place)
    chosen = {row["node"] for row in made.explanation["candidates"] if row["outcome"] == "chosen"}

    def far(n):
        return (1, 0) if n.longitude is None or place is None else (0, round(n.longitude * 10))

    by_distance = sorted(nodes, key=lambda n: (far(n), n.code))
    for size in range(1, 4):
        sets = [found for found in combinations(by_distance, size) if covers(found, needs, stock)]
        if sets:
            # min() keeps the first of equals, and combinations come nearest first
            best = min(sets, key=lambda found: (sum(far(n)[0] for n in found), sum(far(n)[1] for n in found)))
            assert chosen == {n.code for n in best}
            return
    assert made.outcome == "unfillable" or len(chosen) > 3


@given(NEEDS, NODES, STOCK, st.data())
@settings(max_examples=60)
def test_the_order_of_what_goes_in_decides_nothing(needs, nodes, stock, data):
    made = routed(needs, nodes, stock)

    again = routed(data.draw(st.permutations(needs)), data.draw(st.permutations(nodes)), dict(reversed(stock.items())))

    assert (again.outcome, again.rule) == (made.outcome, made.rule)
    assert {row["node"]: row["outcome"] for row in again.explanation["candidates"]} == {
        row["node"]: row["outcome"] for row in made.explanation["candidates"]
    }


@given(NEEDS, NODES, STOCK)
def test_the_same_snapshot_gives_the_same_plan(needs, nodes, stock):
    given = by_sku(stock)

    assert plan(needs, HERE, nodes, given, flat) == routed(needs, nodes, stock)

    assert given == by_sku(stock)


def test_a_large_network_names_the_nearest_that_have_something_and_counts_the_others():
    # given 100 nodes of which every second has one unit, and the one at 90 km has all three
    nodes = [node(number, float(number)) for number in range(1, 101)]
    stock = {(A, number): 1 for number in range(2, 101, 2)} | {(A, 90): 3}

    made = routed([Need(1, A, 3)], nodes, stock)

    rows = made.explanation["candidates"]
    assert shipped_from(made) == {90: 3}
    assert [row["km"] for row in rows] == [float(km) for km in range(2, 41, 2)] + [90.0]
    assert [row["rank"] for row in rows] == [*range(1, 21), 45]
    assert made.explanation["others"] == 79


def test_a_small_network_names_every_node():
    nodes = [node(number, float(number)) for number in range(1, 21)]

    made = routed([Need(1, A, 1)], nodes, {(A, 20): 1})

    assert len(made.explanation["candidates"]) == 20
    assert "others" not in made.explanation
