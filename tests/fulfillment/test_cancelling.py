"""Cancelling before dispatch gives back promise and allocation at once; what has left is a return."""

from functools import partial

import pytest
from tests.support.company import (
    ACTOR,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    order,
    order_ids,
    paid,
    pool,
    put,
    shipped,
    statuses,
)
from tests.support.following import events, route_all
from tests.support.intake import states, take
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import cancel_orders, dispatch
from tongpan.orders.actions import add_tags, hold
from tongpan.runtime.reconcile import reconcile

BY = {"actor": "user:li", "now": NOW}


def cancel(*numbers, revision=None):
    return cancel_orders([(i, revision) for i in order_ids(numbers)], "the buyer asked for it", **BY)


@pytest.mark.usefixtures("live_company")
def test_a_promised_order_gives_its_units_back():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    hold(order_ids(["1"]), "manual", "", **BY)

    (done,) = cancel("1")

    assert (done.state, done.revision) == ("done", 3)
    assert (pool("A"), statuses(), open_holds()) == ((5, 0, 0), {"1": "cancelled"}, set())
    assert fetch_all("SELECT kind, at, actor, data->>'reason' FROM orders_orderevent WHERE kind = 'cancelled'") == [
        ("cancelled", NOW, "user:li", "the buyer asked for it")
    ]
    assert events("order.changed")[-1][1]["route"] is True
    assert route_all() == {}
    assert reconcile()["clean"]


@pytest.mark.usefixtures("live_company")
def test_an_allocated_order_gives_its_goods_back_at_their_nodes():
    put("sh", A=2)
    put("hz", A=2)
    take(paid("1", goods("A", 3)), paid("2", goods("A", 1)))
    route_all()
    assert pool("A") == (4, 4, 0)

    assert states(cancel("1")) == ["done"]

    assert pool("A") == (4, 1, 0)
    assert sum(allocated for _, allocated in levels("A").values()) == 1
    assert {status for _, status, _ in fulfillments("1")} == {"cancelled"}
    assert {status for _, status, _ in fulfillments("2")} == {"allocated"}
    assert reconcile()["clean"]


@pytest.mark.usefixtures("company")
def test_what_has_left_even_in_part_is_a_return():
    put("sh", A=2)
    put("hz", B=2)
    take(paid("1", goods("A", 1), goods("B", 1)), shipped("2"), order("3", cancelled_at=NOW), order("4"))
    route_all("1")
    part = fetch_all("SELECT min(id) FROM fulfillment_fulfillment")[0][0]
    dispatch([part], at=NOW, actor=ACTOR)

    outcomes = cancel("1", "2", "3", "4")

    assert [(o.state, o.code) for o in outcomes] == [
        ("refused", "order.gone"),
        ("refused", "order.gone"),
        ("refused", "order.cancelled"),
        ("done", ""),
    ]
    assert all("return" in o.reason for o in outcomes[:2])
    assert statuses() == {"1": "paid", "2": "dispatched", "3": "cancelled", "4": "cancelled"}
    assert (pool("A")[1], pool("B")[1]) in {(0, 1), (1, 0)}


@pytest.mark.usefixtures("company")
def test_a_change_on_the_ground_of_an_older_look_is_refused():
    put("sh", A=5)
    take(paid("1"))
    hold(order_ids(["1"]), "manual", "", **BY)

    (refused,) = cancel("1", revision=1)

    assert (refused.state, refused.code, refused.revision) == ("refused", "order.revision", 2)
    assert (statuses(), pool("A")) == ({"1": "paid"}, (5, 0, 1))
    # a tag does not count as a change of what is shipped
    add_tags(order_ids(["1"]), ["vip"], **BY)
    assert cancel("1", revision=2)[0].state == "done"


@pytest.mark.usefixtures("company")
def test_a_copy_of_the_channel_does_not_bring_a_cancelled_order_back():
    put("sh", A=5)
    take(order("1"))
    cancel("1")

    take(paid("1"))

    assert statuses() == {"1": "cancelled"}
    assert (pool("A"), route_all()) == ((5, 0, 0), {})


def _cancel_one(order_id):
    return cancel_orders([(order_id, None)], "", **BY)[0].state


def _dispatch_one(order_id):
    ids = [i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment WHERE order_id = %s", [order_id])]
    return len(dispatch(ids, at=NOW, actor=ACTOR))


@pytest.mark.usefixtures("live_company")
def test_cancelling_and_dispatching_at_once_have_one_winner():
    put("sh", A=20)
    take(*[paid(str(n)) for n in range(10)])
    route_all()
    ids = order_ids([str(n) for n in range(10)])

    results = run_together(
        [*(partial(_cancel_one, i) for i in ids), *(partial(_dispatch_one, i) for i in ids)],
    )

    cancelled = sum(r == "done" for r in results[:10])
    gone = sum(results[10:])
    assert cancelled + gone == 10
    assert pool("A") == (20 - gone, 0, 0)
    assert reconcile()["clean"]
