"""A channel lowers a price or takes a line out before dispatch: money and stock follow, once."""

import pytest
from tests.support.company import (
    DAY,
    HOUR,
    NOW,
    charge,
    fulfillments,
    goods,
    levels,
    open_holds,
    order_ids,
    paid,
    pool,
    put,
    shipped,
)
from tests.support.database import statements
from tests.support.following import events, route_all
from tests.support.intake import states, take

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import dispatch, edit_order, route
from tongpan.inventory.queries import reconcile as reconcile_stock
from tongpan.orders.editing import Edit, LineEdit
from tongpan.orders.engine import DiscountDoc
from tongpan.orders.models import Discount, Order
from tongpan.orders.queries import reconcile as reconcile_orders

pytestmark = pytest.mark.usefixtures("company")
A, B, POST = goods("A", 2, 2000), goods("B", 1, 500), charge("POST", 12)
EARLIER = {"version": NOW - DAY}
LATER = {"version": NOW - HOUR}


def lines(number="1"):
    return fetch_all(
        """SELECT l.line_no, coalesce(s.code, l.charge_code), l.qty, l.amount_minor
           FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id LEFT JOIN catalog_sku s ON s.id = l.sku_id
           WHERE o.external_id = %s ORDER BY l.line_no""",
        [number],
    )


def assert_sound():
    assert reconcile_orders()[1] == []
    assert reconcile_stock().differences == []


def test_a_lower_price_is_taken_and_said():
    put("hz", A=5, B=5)
    take(paid("1", A, B, POST, **EARLIER))
    route_all()

    cheaper = paid("1", goods("A", 2, 1800), B, **LATER)

    assert states(take(cheaper)) == ["updated"]
    assert states(take(cheaper)) == ["unchanged"]
    assert lines() == [(1, "A", 2, 1800), (2, "B", 1, 500), (3, "POST", 0, 0)]
    order = Order.objects.get()
    assert (order.goods_minor, order.charges_minor, order.total_minor, order.units) == (2300, 0, 2300, 3)
    [told] = order.events.filter(kind="changed")
    assert told.data["lines"][0] == {"line": 1, "qty": [2, 2], "amount": [2000, 1800]}
    assert route_all() == {}
    assert fulfillments("1") == [("hz", "allocated", {"A": 2, "B": 1})]
    assert_sound()


def test_goods_taken_out_before_they_are_pinned_are_on_sale_again():
    put("hz", A=5, B=5)
    take(paid("1", A, B, discounts=[DiscountDoc("shop", 50, 1)], **EARLIER))
    assert pool("B") == (5, 0, 1)

    assert states(take(paid("1", A, **LATER))) == ["updated"]

    assert (pool("A"), pool("B")) == ((5, 0, 2), (5, 0, 0))
    assert lines() == [(1, "A", 2, 2000), (2, "B", 0, 0)]
    assert not Discount.objects.exists()
    assert route_all() == {"1": "routed"}
    assert fulfillments("1") == [("hz", "allocated", {"A": 2})]
    assert_sound()


def test_what_is_allocated_to_a_line_that_is_gone_is_given_back():
    put("hz", A=5, B=5)
    take(paid("1", A, B, **EARLIER))
    route_all()

    take(paid("1", goods("A", 1, 1000), **LATER))
    assert events("order.changed")[-1][1]["anew"] is True
    route(order_ids(["1"]), actor="routing", now=NOW, anew=order_ids(["1"]))

    assert [status for _, status, _ in fulfillments("1")] == ["cancelled", "allocated"]
    assert fulfillments("1")[1] == ("hz", "allocated", {"A": 1})
    assert (levels("A"), levels("B")) == ({"hz": (5, 1)}, {"hz": (5, 0)})
    assert open_holds() == set()
    assert_sound()


def test_a_line_that_comes_back_is_a_line_of_its_own():
    put("hz", A=5, B=5)
    take(paid("1", A, B, **EARLIER))
    take(paid("1", A, **LATER))

    assert states(take(paid("1", A, B, version=NOW))) == ["updated"]

    assert lines() == [(1, "A", 2, 2000), (2, "B", 0, 0), (3, "B", 1, 500)]
    assert pool("B") == (5, 0, 1)
    assert_sound()


def test_a_line_of_which_goods_have_left_stays():
    put("hz", A=5)
    put("sh", B=5)
    take(paid("1", A, B, **EARLIER))
    route_all()
    [of_b] = fetch_all(
        """SELECT f.id FROM fulfillment_fulfillment f JOIN network_node n ON n.id = f.node_id WHERE n.code = 'sh'"""
    )
    dispatch(list(of_b), at=NOW, actor="test")

    [outcome] = take(paid("1", A, version=NOW))

    assert (outcome.state, outcome.code) == ("refused", "order.lines_taken_away")
    assert lines() == [(1, "A", 2, 2000), (2, "B", 1, 500)]
    assert states(take(paid("1", B, version=NOW))) == ["updated"]
    assert_sound()


def test_a_copy_of_lower_amounts_without_a_version_counts_when_it_is_further():
    put("hz", A=5)
    take(paid("1", A))

    assert states(take(paid("1", goods("A", 2, 1900)))) == ["refused"]
    assert states(take(shipped("1", goods("A", 2, 1900)))) == ["updated"]
    assert lines() == [(1, "A", 2, 1900)]
    assert_sound()


def test_lines_that_people_changed_are_not_taken_away_by_a_copy():
    put("hz", A=5, B=5)
    take(paid("1", A, B, **EARLIER))
    edit_order(order_ids(["1"])[0], None, Edit([LineEdit(1, 1)]), "asked for", actor="user:li", now=NOW)
    before = lines()

    [outcome] = take(paid("1", A, **LATER))

    assert (outcome.state, outcome.code) == ("refused", "order.lines_taken_away")
    assert "changed here too" in outcome.reason
    assert lines() == before


def test_many_copies_take_as_many_statements_as_one():
    put("hz", A=500)
    take(*[paid(str(n), A, POST, **EARLIER) for n in range(20)])

    found = []
    for numbers in (range(1), range(1, 20)):
        with statements() as sent:
            take(*[paid(str(n), goods("A", 1, 900), **LATER) for n in numbers])
        found.append(len([sql for sql in sent if "SAVEPOINT" not in sql]))

    assert found[0] == found[1]
    assert pool("A") == (500, 0, 20)
