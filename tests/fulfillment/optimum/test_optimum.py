"""The optimum of a batch: what brute force finds, never worse than the ladder, and it says what it cannot prove."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.fulfillment.optimum.engine import optimum
from tongpan.fulfillment.optimum.model import FAR, Asked, Score, by_distance, score_of
from tongpan.fulfillment.routing.basics import Need, NodeView
from tongpan.fulfillment.routing.planning import plan


def far_apart(lat1, lon1, lat2, lon2):
    return abs(lat1 - lat2) + abs(lon1 - lon2)


COST = by_distance(far_apart)


def node(number, x=0.0, tracks=True):
    return NodeView(number, f"N{number}", x, 0.0, tracks)


def ask(number, needs, x=0.0, nodes=(1, 2, 3), **more):
    made = [Need(number * 10 + i, *need) if type(need) is tuple else need for i, need in enumerate(needs)]
    return Asked(number, made, (x, 0.0), nodes, **more)


def best(batch, nodes, stock, **more):
    return optimum(batch, {n.id: n for n in nodes}, stock, COST, **more)


def is_allowed(batch, found, stock):
    """Every order whole or not at all, nothing taken twice, no more parcels than it may have."""
    used = {}
    for asked in batch:
        picks = found.picks.get(asked.order_id, [])
        got = {}
        for pick in picks:
            got[pick.order_line_id, pick.sku_id] = got.get((pick.order_line_id, pick.sku_id), 0) + pick.qty
            used[pick.sku_id, pick.node_id] = used.get((pick.sku_id, pick.node_id), 0) + pick.qty
        assert not picks or got == {(need.order_line_id, need.sku_id): need.qty for need in asked.needs}
        assert asked.max_parcels is None or len({pick.node_id for pick in picks}) <= asked.max_parcels
    return all(qty <= stock.get(sku, {}).get(at, 0) for (sku, at), qty in used.items())


def test_an_early_order_does_not_take_what_a_later_one_needs_more():
    nodes, stock = [node(1, 0), node(2, 10)], {1: {1: 1, 2: 1}, 2: {1: 1}}
    batch = [ask(1, [(1, 1)], x=1), ask(2, [(1, 1), (2, 1)])]

    found = best(batch, nodes, stock)

    assert (found.score, found.bound, found.is_proven) == (Score(0, 2, 90), Score(0, 2, 90), True)
    assert {pick.node_id for pick in found.picks[1]} == {2}
    assert {pick.node_id for pick in found.picks[2]} == {1}


def test_fewest_orders_are_left_out_before_fewest_parcels_before_least_cost():
    nodes, stock = [node(1, 0), node(2, 50)], {1: {1: 1, 2: 1}, 2: {1: 1, 2: 2}}
    # from one node each is cheaper for the first, but then the second would need two parcels
    batch = [ask(1, [(1, 1), (2, 1)]), ask(2, [(1, 1), (2, 1)]), ask(3, [(2, 1)], x=50)]

    found = best(batch, nodes, stock)

    assert found.score == Score(0, 3, 500)
    assert is_allowed(batch, found, stock)


def test_an_order_is_split_only_as_far_as_it_may_be():
    nodes, stock = [node(1), node(2), node(3)], {1: {1: 1}, 2: {2: 1}, 3: {3: 1}}
    needs = [(1, 1), (2, 1), (3, 1)]

    assert best([ask(1, needs)], nodes, stock).score == Score(0, 3, 0)
    assert best([ask(1, needs, max_parcels=2)], nodes, stock).score == Score(1, 0, 0)


def test_the_parts_of_a_kit_come_from_one_node():
    nodes, stock = [node(1, 0), node(2, 5), node(3, 9)], {1: {1: 2, 2: 2, 3: 4}, 2: {1: 2, 3: 4}}
    kit = [Need(7, 1, 4, None, 2), Need(7, 2, 2, None, 2)]

    kept = best([ask(1, kit)], nodes, stock)
    apart = best([ask(1, kit, keeps_kits=False)], nodes, stock)

    assert (kept.score, {pick.node_id for pick in kept.picks[1]}) == (Score(0, 1, 90), {3})
    assert apart.score == Score(0, 1, 90)
    # with the third node gone, half of the kits would have to come apart
    del stock[1][3], stock[2][3]
    assert best([ask(1, kit)], nodes, stock).score == Score(1, 0, 0)
    assert best([ask(1, kit, keeps_kits=False)], nodes, stock).score == Score(0, 2, 50)


def test_a_line_that_names_a_node_comes_from_there_and_an_unknown_one_from_nowhere():
    nodes, stock = [node(1, 0), node(2, 5)], {1: {1: 9, 2: 9}}

    assert best([ask(1, [(1, 1, 2)], nodes=(1,))], nodes, stock).score == Score(0, 1, 50)
    assert best([ask(1, [(1, 1, 0)], nodes=(1,))], nodes, stock).score == Score(1, 0, 0)


def test_a_node_that_keeps_no_book_never_lacks_and_an_unknown_place_is_farther_than_any():
    nodes = [node(1, 0, tracks=False)]
    batch = [Asked(number, [Need(number, 1, 1000)], None, (1,)) for number in range(3)]

    assert best(batch, nodes, {}).score == Score(0, 3, 3 * FAR)


def test_orders_without_a_chance_are_left_out_and_nothing_is_asked_for_none():
    assert best([ask(1, [(1, 5)])], [node(1)], {1: {1: 4}}).score == Score(1, 0, 0)
    assert best([], [], {}).score == Score(0, 0, 0)


def test_independent_parts_are_counted_and_their_scores_added():
    nodes, stock = [node(1, 0), node(2, 5)], {1: {1: 1, 2: 1}, 2: {2: 9}}
    batch = [ask(1, [(1, 1)]), ask(2, [(1, 1)]), ask(3, [(2, 1)])]

    found = best(batch, nodes, stock)

    assert (found.parts, found.open, found.score) == (2, 0, Score(0, 3, 100))


def test_a_part_that_is_too_large_is_cut_and_the_bound_is_that_of_orders_alone():
    nodes, stock = [node(1, 0), node(2, 50)], {1: {1: 3, 2: 50}}
    batch = [ask(number, [(1, 1)], x=number) for number in range(6)]

    whole = best(batch, nodes, stock)
    cut = best(batch, nodes, stock, most=5)

    assert whole.is_proven
    assert is_allowed(batch, cut, stock)
    assert (cut.open, cut.is_proven) == (1, False)
    assert cut.bound <= whole.score <= cut.score
    assert cut.bound == Score(0, 6, sum(10 * number for number in range(6)))


def test_what_is_known_stands_where_cutting_found_nothing_better():
    nodes, stock = [node(1, 0), node(2, 50)], {1: {1: 1, 2: 1}}
    batch = [ask(1, [(1, 1)], x=40), ask(2, [(1, 1)], x=0)]
    known = best(batch, nodes, stock).picks

    alone = best(batch, nodes, stock, most=1)
    helped = best(batch, nodes, stock, known=known, most=1)

    assert helped.score <= alone.score
    assert helped.score == best(batch, nodes, stock).score


small = st.integers(0, 2)


@st.composite
def batches(draw):
    nodes = [node(number, draw(st.integers(0, 9))) for number in (1, 2, 3)]
    stock = {sku: {n.id: draw(small) for n in nodes} for sku in (1, 2)}
    batch = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        needs = [(sku, draw(st.integers(1, 2))) for sku in draw(st.sampled_from([(1,), (2,), (1, 2)]))]
        parcels = draw(st.sampled_from([None, 1, 2]))
        batch.append(ask(number, needs, x=draw(st.integers(0, 9)), max_parcels=parcels))
    return batch, nodes, stock


def ways_of(asked, nodes):
    """Every way to serve an order: units by (SKU, node); and not at all."""
    per_need = []
    for need in asked.needs:
        splits = [s for s in itertools.product(range(need.qty + 1), repeat=len(nodes)) if sum(s) == need.qty]
        per_need.append([(need.sku_id, split) for split in splits])
    ways = [{}]
    for combination in itertools.product(*per_need):
        way = {(sku, n.id): qty for sku, split in combination for n, qty in zip(nodes, split, strict=True) if qty}
        if asked.max_parcels is None or len({at for _, at in way}) <= asked.max_parcels:
            ways.append(way)
    return ways


def brute_force(batch, nodes, stock):
    by_id = {n.id: n for n in nodes}
    # partial assignments that use the same goods differ only in their score
    states = {(): Score(0, 0, 0)}
    for asked in batch:
        following = {}
        for used, score in states.items():
            for way in ways_of(asked, nodes):
                total = dict(used)
                for cell, qty in way.items():
                    total[cell] = total.get(cell, 0) + qty
                if any(qty > stock[sku][at] for (sku, at), qty in total.items()):
                    continue
                at = {node_id for _, node_id in way}
                more = Score(not way, len(at), sum(COST(asked, by_id[node_id]) for node_id in at))
                key = tuple(sorted(total.items()))
                following[key] = min(following.get(key, Score(99, 99, 99)), score.plus(more))
        states = following
    return min(states.values())


@settings(max_examples=60, deadline=None)
@given(batches())
def test_it_finds_what_brute_force_finds_and_the_ladder_is_never_better(case):
    batch, nodes, stock = case

    found = best(batch, nodes, stock)

    assert found.score == brute_force(batch, nodes, stock)
    assert found.is_proven
    assert is_allowed(batch, found, stock)
    assert found.score == score_of(batch, found.picks, {n.id: n for n in nodes}, COST)
    assert found == best(batch, nodes, stock)
    left = {sku: dict(at) for sku, at in stock.items()}
    picks = {}
    for asked in (one._replace(max_parcels=None) for one in batch):
        made = plan(asked.needs, asked.place, nodes, left, far_apart)
        picks[asked.order_id] = made.picks
        for pick in made.picks:
            left[pick.sku_id][pick.node_id] -= pick.qty
    loose = [one._replace(max_parcels=None) for one in batch]
    assert best(loose, nodes, stock).score <= score_of(loose, picks, {n.id: n for n in nodes}, COST)
