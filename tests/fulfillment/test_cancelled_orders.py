"""A cancelled order gives back what has not left."""

import pytest
from tests.support.company import (
    HOUR,
    NOW,
    fulfillments,
    goods,
    levels,
    movements,
    open_holds,
    paid,
    pool,
    put,
    statuses,
)
from tests.support.database import contents
from tests.support.following import events, route_all
from tests.support.intake import states, take

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import dispatch
from tongpan.inventory.queries import reconcile as reconcile_stock

pytestmark = pytest.mark.usefixtures("company")
CANCELLED = {"cancelled_at": NOW - HOUR}


def test_a_cancellation_before_routing_releases_the_promise():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))

    assert states(take(paid("1", goods("A", 2), **CANCELLED))) == ["updated"]

    assert (pool("A"), statuses()) == ((5, 0, 0), {"1": "cancelled"})
    assert fetch_all("SELECT state FROM inventory_reservation") == [("released",)]
    assert route_all() == {}
    assert fulfillments("1") == []


def test_a_cancellation_after_allocation_frees_the_goods_at_their_nodes():
    put("sh", A=3)
    put("hz", A=3)
    take(paid("1", goods("A", 5)))
    route_all()
    assert pool("A") == (6, 5, 0)
    take(paid("1", goods("A", 5), **CANCELLED))

    assert route_all() == {}

    assert (pool("A"), levels("A")) == ((6, 0, 0), {"hz": (3, 0), "sh": (3, 0)})
    assert {status for _, status, _ in fulfillments("1")} == {"cancelled"}
    assert fetch_all("SELECT state FROM inventory_reservation") == [("released",)]
    assert sorted(movements("A")[-2:]) == [("deallocated", "hz", 0, -3, 0), ("deallocated", "sh", 0, -2, 0)]
    assert events("stock.changed")[-1][1] == {"gained": True}
    assert reconcile_stock().differences == []


def test_cancelling_again_changes_nothing():
    put("sh", A=3)
    take(paid("1", goods("A", 2)))
    route_all()
    take(paid("1", goods("A", 2), **CANCELLED))
    route_all()
    before = contents()

    assert (states(take(paid("1", goods("A", 2), **CANCELLED))), route_all()) == (["unchanged"], {})

    assert contents() == before


def test_goods_that_have_left_are_not_given_back():
    put("sh", A=3)
    take(paid("1", goods("A", 2)))
    route_all()
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW, actor="picker")

    assert states(take(paid("1", goods("A", 2), **CANCELLED))) == ["updated"]
    route_all()

    assert (pool("A"), statuses()) == ((1, 0, 0), {"1": "dispatched"})
    assert fulfillments("1") == [("sh", "dispatched", {"A": 2})]
    assert fetch_all("SELECT cancelled_at FROM orders_order") == [(NOW - HOUR,)]


def test_an_order_that_is_half_gone_is_not_cancelled_silently():
    # given an order from two nodes of which one part has left
    put("sh", A=3)
    put("hz", A=3)
    take(paid("1", goods("A", 5)))
    route_all()
    first = fetch_all("SELECT min(id) FROM fulfillment_fulfillment")[0][0]
    dispatch([first], at=NOW, actor="picker")
    gone = fulfillments("1")[0]

    # when it is cancelled
    take(paid("1", goods("A", 5), **CANCELLED))
    route_all()

    # then the rest is free again, and what left stays gone
    assert statuses() == {"1": "cancelled"}
    assert [status for _, status, _ in fulfillments("1")] == ["dispatched", "cancelled"]
    assert pool("A") == (6 - gone[2]["A"], 0, 0)
    assert reconcile_stock().differences == []


def test_an_order_that_is_cancelled_while_it_waits_waits_no_more():
    take(paid("1", goods("A", 2)))
    route_all()
    assert open_holds() == {("1", "out_of_stock")}
    take(paid("1", goods("A", 2), **CANCELLED))

    route_all()

    assert open_holds() == set()


def test_orders_cancelled_and_paid_in_one_batch_share_the_stock_in_one_go():
    put("sh", A=2)
    take(paid("1", goods("A", 2)))

    outcomes = take(paid("1", goods("A", 2), **CANCELLED), paid("2", goods("A", 2)))

    assert states(outcomes) == ["updated", "accepted"]
    assert (pool("A"), open_holds()) == ((2, 0, 2), set())
    assert fetch_all("SELECT qty, state FROM inventory_reservation ORDER BY id") == [(2, "released"), (2, "held")]
