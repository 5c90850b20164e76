"""Orders that their channel has sent already: dispatched as they come, nothing invented, nothing taken from others."""

import pytest
from tests.support.company import (
    DAY,
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
    shipped,
    statuses,
)
from tests.support.database import contents
from tests.support.following import decisions, retry_all, route_all
from tests.support.intake import states, take

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.models import Fulfillment, RoutingDecision
from tongpan.inventory.queries import reconcile as reconcile_stock

pytestmark = pytest.mark.usefixtures("company")


def fulfilment_times():
    return list(Fulfillment.objects.values_list("status", "allocated_at", "dispatched_at", "delivered_at"))


def test_a_shipped_order_leaves_the_stock_at_once():
    put("sh", A=5)
    take(shipped("1", goods("A", 2)))
    assert pool("A") == (5, 0, 0)  # goods that have left are not promised

    assert route_all() == {"1": "routed"}

    assert (pool("A"), levels("A")) == ((3, 0, 0), {"sh": (3, 0)})
    assert fulfillments("1") == [("sh", "dispatched", {"A": 2})]
    assert fulfilment_times() == [("dispatched", NOW - 2 * HOUR, NOW - 2 * HOUR, None)]
    assert movements("A")[1:] == [("dispatched", "sh", -2, 0, 0)]
    assert fetch_all("SELECT occurred_at FROM inventory_movement WHERE kind = 'dispatched'") == [(NOW - 2 * HOUR,)]
    assert (statuses(), open_holds()) == ({"1": "dispatched"}, set())


def test_a_delivered_order_is_delivered():
    put("sh", A=5)
    take(shipped("1", goods("A", 2), delivered_at=NOW - HOUR))

    route_all()

    assert fulfilment_times() == [("delivered", NOW - 2 * HOUR, NOW - 2 * HOUR, NOW - HOUR)]
    assert statuses() == {"1": "delivered"}


def test_an_order_that_is_sent_before_routing_saw_it_leaves_no_promise_behind():
    # given a paid order with its goods promised, of which the next copy says that they have left
    put("sh", A=2)
    take(paid("1", goods("A", 2)))
    assert pool("A") == (2, 0, 2)
    take(shipped("1", goods("A", 2)))

    # when
    assert route_all() == {"1": "routed"}

    # then it takes the very units that were promised to it
    assert (pool("A"), levels("A"), open_holds()) == ((0, 0, 0), {"sh": (0, 0)}, set())
    assert movements("A")[1:] == [
        ("reserved", None, 0, 0, 2),
        ("released", None, 0, 0, -2),
        ("dispatched", "sh", -2, 0, 0),
    ]
    assert reconcile_stock().differences == []


def test_an_allocated_order_that_its_channel_sends_leaves_when_the_channel_says():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    take(shipped("1", goods("A", 2)))

    assert route_all() == {}

    assert (pool("A"), levels("A")) == ((3, 0, 0), {"sh": (3, 0)})
    assert fulfilment_times() == [("dispatched", NOW, NOW - 2 * HOUR, None)]
    assert fetch_all("SELECT status, dispatched_at FROM orders_order") == [("dispatched", NOW - 2 * HOUR)]
    assert fetch_all("SELECT count(*) FROM orders_orderevent WHERE kind = 'dispatched'") == [(1,)]


def test_a_dispatched_order_that_arrives_is_delivered():
    put("sh", A=5)
    take(shipped("1", goods("A", 2)))
    route_all()
    take(shipped("1", goods("A", 2), delivered_at=NOW - HOUR))

    assert route_all() == {}

    assert fulfilment_times() == [("delivered", NOW - 2 * HOUR, NOW - 2 * HOUR, NOW - HOUR)]
    assert pool("A") == (3, 0, 0)


def test_goods_that_were_not_in_the_book_are_not_invented():
    put("sh", A=1)
    take(shipped("1", goods("A", 2)))

    assert route_all() == {"1": "unfillable"}

    assert (fulfillments("1"), open_holds()) == ([], {("1", "unbooked")})
    assert (pool("A"), levels("A"), statuses()) == ((1, 0, 0), {"sh": (1, 0)}, {"1": "dispatched"})
    assert decisions("1") == [(1, "unfillable", "no-stock")]


def test_unbooked_goods_wait_for_no_stock():
    # given an order that left without being in the book, and stock that comes in later
    take(shipped("1", goods("A", 2)))
    route_all()
    put("sh", "later", A=9)
    before = contents()

    assert retry_all("A") == 0

    assert contents() == before


def test_a_shipped_order_does_not_take_what_is_promised_to_others():
    # given two units, both promised to a paid order that no node has been chosen for
    put("sh", A=2)
    take(paid("promised", goods("A", 2)))
    take(shipped("sent", goods("A", 1)))

    assert route_all("sent") == {"sent": "unfillable"}

    assert open_holds() == {("sent", "unbooked")}
    assert decisions("sent") == [(1, "unfillable", "promised-to-others")]
    (short,) = RoutingDecision.objects.get().explanation["short"]
    assert (short["have"], short["need"]) == (0, 1)
    assert (pool("A"), levels("A")) == ((2, 0, 2), {"sh": (2, 0)})
    # and the paid order gets them
    assert route_all("promised") == {"promised": "routed"}
    assert (pool("A"), levels("A")) == ((2, 2, 0), {"sh": (2, 2)})


def test_an_out_of_stock_order_that_its_channel_sends_all_the_same_waits_for_no_stock():
    take(paid("1", goods("A", 2)))
    route_all()
    assert open_holds() == {("1", "out_of_stock")}
    assert states(take(shipped("1", goods("A", 2)))) == ["updated"]

    route_all()

    assert open_holds() == {("1", "unbooked")}
    put("sh", "later", A=5)
    assert retry_all("A") == 0
    assert pool("A") == (5, 0, 0)


def test_an_order_that_is_only_known_to_be_shipped_left_when_it_was_placed():
    put("sh", A=5)
    take(paid("1", goods("A"), is_shipped=True))

    route_all()

    assert fetch_all("SELECT status, dispatched_at FROM orders_order") == [("dispatched", None)]
    assert fulfilment_times() == [("dispatched", NOW - DAY, None, None)]
    assert pool("A") == (4, 0, 0)
