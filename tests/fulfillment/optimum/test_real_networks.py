"""Real orders, sellers and shops: the ladder serves whom the optimum serves, and stays close to it."""

import pytest
from benchmarks import network

pytestmark = pytest.mark.skipif(not (network.DATA / "olist").is_dir(), reason="../shared/data is not here")


def test_orders_of_olist_find_the_sellers_that_had_their_goods():
    found = network.olist(800)

    assert (found.orders, found.gap.ladder.unfilled, found.gap.best.score.unfilled) == (800, 0, 0)
    assert found.gap.best.is_proven
    assert found.gap.best.score <= found.gap.ladder
    assert found.planned[0] <= found.really[0] + found.several
    assert 0 < found.delivered <= 800


def test_orders_of_the_demo_are_routed_over_the_shops_of_china():
    gap, _ = network.china(60)

    assert (gap.orders, gap.ladder.unfilled) == (60, 0)
    assert gap.best.is_proven
    assert gap.best.score <= gap.ladder
    assert gap.ladder.cost <= gap.best.score.cost * 1.1
    assert sum(gap.loads.values()) == gap.ladder.parcels
