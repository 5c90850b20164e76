"""Stores against buyers: who is near, and where a new store covers most."""

from tongpan.network.layout import Demand, Site, propose, reach


def place(name, kilometres_north, orders, buyers=1):
    return Demand("P", name, 30 + kilometres_north / 111.195, 120.0, orders, buyers)


DEMAND = [place("a", 0, 10), place("b", 4, 20), place("c", 50, 7), place("d", 53, 7), place("e", 200, 9)]
STORE = Site("s", "S", 30.0, 120.0, ("pickup",))


def test_orders_and_buyers_are_counted_within_each_radius():
    assert [tuple(row) for row in reach(DEMAND, [STORE])] == [(3.0, 10, 1), (5.0, 30, 2), (10.0, 30, 2)]
    assert [row.orders for row in reach(DEMAND, [])] == [0, 0, 0]


def test_the_next_store_covers_most_orders_that_nothing_covers():
    first, second, *rest = propose(DEMAND, [STORE], km=5, most=5)

    assert (first.city, first.orders, first.buyers, first.nearest, first.nearest_km) == ("c", 14, 2, "s", 50.0)
    assert (second.city, second.orders) == ("e", 9)
    assert rest == []


def test_as_many_are_proposed_as_were_asked_for_and_none_where_all_is_covered():
    assert [one.city for one in propose(DEMAND, [], km=5, most=1)] == ["b"]
    assert propose(DEMAND, [], km=5, most=1)[0].nearest == ""
    assert propose(DEMAND[:2], [STORE], km=5, most=3) == []
    assert propose([], [STORE], km=5, most=3) == []
