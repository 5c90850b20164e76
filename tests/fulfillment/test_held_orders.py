"""Orders that are held back are neither routed nor dispatched by hand, and go on when they are released."""

import pytest
from tests.support.company import (
    ACTOR,
    NOW,
    fulfillments,
    goods,
    open_holds,
    order_ids,
    paid,
    pool,
    put,
    shipped,
    statuses,
)
from tests.support.following import retry_all, route_all
from tests.support.intake import take
from tests.support.reading import read_once

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import dispatch
from tongpan.fulfillment.actions.dispatch import depart
from tongpan.fulfillment.readers import READERS
from tongpan.orders.actions import hold, release_hold
from tongpan.orders.engine import ShipTo
from tongpan.runtime.reconcile import reconcile

BY = {"actor": ACTOR, "now": NOW}
NO_PHONE = ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "", "中山路1号")


@pytest.mark.usefixtures("company")
def test_a_held_order_keeps_its_promise_and_gets_no_node():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    hold(order_ids(["1"]), "manual", "", **BY)

    assert route_all() == {}
    assert (fulfillments("1"), pool("A")) == ([], (5, 0, 2))

    release_hold(order_ids(["1"]), "manual", "", **BY)

    assert route_all() == {"1": "routed"}
    assert (fulfillments("1"), pool("A")) == ([("sh", "allocated", {"A": 2})], (5, 2, 0))


@pytest.mark.usefixtures("company")
def test_a_hold_for_other_reasons_does_not_stop_routing():
    put("sh", A=1)
    take(paid("1"))
    from tongpan.orders.actions.facts import insert_holds

    insert_holds([(order_ids(["1"])[0], "unpaid", "")])

    assert route_all() == {"1": "routed"}


@pytest.mark.usefixtures("company")
def test_a_held_order_does_not_take_stock_that_comes_in():
    take(paid("1"), paid("2"))
    route_all()
    assert open_holds() == {("1", "out_of_stock"), ("2", "out_of_stock")}
    hold(order_ids(["1"]), "risk", "", **BY)
    put("sh", A=1)

    assert retry_all("A") == 1

    assert (fulfillments("1"), fulfillments("2")) == ([], [("sh", "allocated", {"A": 1})])
    assert open_holds() == {("1", "out_of_stock"), ("1", "risk")}


@pytest.mark.usefixtures("company")
def test_allocated_goods_of_a_held_order_are_not_dispatched_by_hand_but_are_gone_when_the_channel_says_so():
    put("sh", A=5)
    take(paid("1"), paid("2"))
    route_all()
    ids = [i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment ORDER BY order_id")]
    hold(order_ids(["1"]), "manual", "wrong colour", **BY)

    assert dispatch(ids, at=NOW, actor=ACTOR) == [ids[1]]
    assert statuses() == {"1": "paid", "2": "dispatched"}
    assert pool("A") == (4, 1, 0)

    assert depart({ids[0]: NOW}, actor=ACTOR) == [ids[0]]
    assert statuses()["1"] == "dispatched"


@pytest.mark.usefixtures("company")
def test_a_held_order_that_the_channel_has_sent_is_booked():
    put("sh", A=5)
    take(paid("1"))
    hold(order_ids(["1"]), "manual", "", **BY)
    take(shipped("1"))

    assert route_all() == {"1": "routed"}
    assert fulfillments("1") == [("sh", "dispatched", {"A": 1})]


@pytest.mark.usefixtures("live_company")
def test_the_reader_reviews_before_it_routes():
    def follow():
        while any(read_once(reader) for reader in READERS):
            pass

    put("sh", A=5)
    take(paid("bad", ship_to=NO_PHONE), paid("good"))
    follow()

    assert (fulfillments("bad"), fulfillments("good")) == ([], [("sh", "allocated", {"A": 1})])
    assert open_holds() == {("bad", "address")}
    assert fetch_all("SELECT count(*) FROM fulfillment_routingdecision") == [(1,)]

    release_hold(order_ids(["bad"]), "address", "the buyer told us the phone", **BY)
    follow()

    assert fulfillments("bad") == [("sh", "allocated", {"A": 1})]
    assert open_holds() == set()
    assert reconcile()["clean"]
