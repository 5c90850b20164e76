"""Carts: chosen, held for a while, paid in time or closed; the goods have one owner at every moment."""

from datetime import timedelta
from functools import partial

import pytest
from tests.support.company import ACTOR, HOUR, NOW, open_holds, pool, put, statuses
from tests.support.following import events, route_all
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.stored import store
from tongpan.inventory.actions import sweep_expired
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart, pay_order, set_cart_lines
from tongpan.orders.actions.closing import close_unpaid
from tongpan.orders.engine import BuyerDoc, LineDoc, ShipTo
from tongpan.orders.queries.carts import availability_of, select_carts

BY = {"actor": ACTOR, "now": NOW}
BUYER = BuyerDoc("member", "company", "m-1", "张三")


def cart_of(*lines, **more):
    return open_cart("mall", [CartLineSpec(*line) for line in lines], more.get("buyer"), now=more.get("now", NOW))


def cart_id(token):
    return fetch_all("SELECT id FROM orders_cart WHERE token = %s", [token])[0][0]


@pytest.mark.usefixtures("company")
def test_a_checkout_makes_an_unpaid_order_and_holds_its_goods():
    put("sh", A=5)
    token = cart_of(("A", 2, 1250))

    made = checkout(token, BUYER, ShipTo("浙江省", "宁波市"), [LineDoc("charge", "postage", "", 1, 600)], **BY)

    assert (made.total_minor, made.currency, made.hold_until) == (3100, "CNY", NOW + timedelta(minutes=15))
    assert (statuses(), pool("A")) == ({made.number: "placed"}, (5, 0, 2))
    assert fetch_all("SELECT qty, amount_minor, unit_price FROM orders_orderline WHERE kind = 'goods'") == [
        (2, 2500, pytest.approx(12.5))
    ]
    assert fetch_all("SELECT state, expires_at FROM inventory_reservation") == [("held", made.hold_until)]
    assert checkout(token, BUYER, ShipTo(), **BY) == made
    assert route_all() == {}


@pytest.mark.usefixtures("company")
def test_a_payment_in_time_keeps_the_goods_and_lets_the_order_be_routed():
    put("sh", A=5)
    made = checkout(cart_of(("A", 2, 1250)), BUYER, ShipTo(), **BY)

    assert pay_order(made.order_id, "wechat", 2500, **BY) == 2
    assert pay_order(made.order_id, "wechat", 2500, **BY) == 2

    assert statuses() == {made.number: "paid"}
    assert fetch_all("SELECT method, amount_minor, paid_at FROM orders_payment") == [("wechat", 2500, NOW)]
    assert sweep_expired(NOW + HOUR) == 0
    assert events("order.changed")[-1][1]["route"] is True
    assert route_all() == {made.number: "routed"}
    assert pool("A") == (5, 2, 0)


@pytest.mark.usefixtures("company")
def test_who_pays_too_late_is_told_so_and_the_order_is_closed():
    put("sh", A=2)
    made = checkout(cart_of(("A", 2, 1250)), BUYER, ShipTo(), **BY)
    later = NOW + timedelta(minutes=16)
    assert sweep_expired(later) == 1

    with pytest.raises(Refusal) as refused:
        pay_order(made.order_id, "wechat", 2500, actor=ACTOR, now=later)
    assert refused.value.code == "reservation.expired"
    assert close_unpaid([made.order_id], actor="checkout", now=later) == [made.order_id]

    assert (statuses(), pool("A"), open_holds()) == ({made.number: "cancelled"}, (2, 0, 0), set())
    with pytest.raises(Refusal) as refused:
        pay_order(made.order_id, "wechat", 2500, actor=ACTOR, now=later)
    assert refused.value.code == "reservation.expired"
    assert fetch_all("SELECT count(*) FROM orders_payment") == [(0,)]


@pytest.mark.usefixtures("company")
def test_an_order_is_not_closed_before_its_time_or_once_it_is_paid():
    put("sh", A=5)
    early = checkout(cart_of(("A", 1, 100)), None, ShipTo(), **BY)
    paid = checkout(cart_of(("A", 1, 100)), None, ShipTo(), **BY)
    pay_order(paid.order_id, "cash", 100, **BY)

    assert close_unpaid([early.order_id], actor="checkout", now=NOW) == []
    assert close_unpaid([paid.order_id], actor="checkout", now=NOW + HOUR) == []


@pytest.mark.usefixtures("company")
def test_a_payment_of_another_amount_is_refused():
    put("sh", A=5)
    made = checkout(cart_of(("A", 2, 1250)), BUYER, ShipTo(), **BY)

    with pytest.raises(Refusal) as refused:
        pay_order(made.order_id, "wechat", 2499, **BY)

    assert refused.value.code == "payment.amount"
    assert fetch_all("SELECT expires_at IS NULL FROM inventory_reservation") == [(False,)]


@pytest.mark.usefixtures("company")
def test_a_checkout_that_the_pool_cannot_serve_leaves_nothing():
    put("sh", A=2)
    token = cart_of(("A", 3, 1250))

    with pytest.raises(Refusal) as refused:
        checkout(token, BUYER, ShipTo(), **BY)

    assert refused.value.code == "cart.short"
    assert (statuses(), pool("A"), open_holds()) == ({}, (2, 0, 0), set())
    set_cart_lines(token, [CartLineSpec("A", 2, 1250)], now=NOW)
    assert checkout(token, BUYER, ShipTo(), **BY).total_minor == 2500


@pytest.mark.usefixtures("company")
def test_what_is_free_is_shown_with_the_cart():
    put("sh", A=2, B=9)
    token = cart_of(("A", 3, 1250), ("B", 1, 100))

    found = [(a.sku, a.wanted, a.free, a.is_enough) for a in availability_of(cart_id(token))]

    assert found == [("A", 3, 2, False), ("B", 1, 9, True)]


@pytest.mark.usefixtures("company")
def test_carts_that_nobody_touched_for_an_hour_are_abandoned():
    put("sh", A=9)
    old = cart_of(("A", 1, 100), now=NOW - 2 * HOUR, buyer=BUYER)
    ordered = cart_of(("A", 1, 100), now=NOW - 2 * HOUR)
    checkout(ordered, None, ShipTo(), actor=ACTOR, now=NOW - 2 * HOUR)
    fresh = cart_of(("A", 1, 100))

    def tokens(state):
        return {cart.token for cart in select_carts(state, now=NOW)}

    assert (tokens("abandoned"), tokens("open"), tokens("ordered")) == ({old}, {old, fresh}, {ordered})
    assert select_carts("abandoned", now=NOW)[0].customer is not None
    store("orders.checkout", {"abandoned_minutes": 600})
    assert tokens("abandoned") == set()


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([("no such", 1, 1)], "cart.sku"),
        ([("A", 0, 1)], "cart.lines"),
        ([("A", 1, -1)], "cart.lines"),
        ([("A", 1, 1), ("A", 2, 1)], "cart.lines"),
    ],
)
@pytest.mark.usefixtures("company")
def test_lines_that_make_no_sense_are_refused(lines, code):
    put("sh", A=2)
    with pytest.raises(Refusal) as refused:
        cart_of(*lines)
    assert refused.value.code == code
    assert fetch_all("SELECT count(*) FROM orders_cart") == [(0,)]


@pytest.mark.usefixtures("company")
def test_an_empty_or_unknown_cart_is_not_checked_out():
    token = cart_of()
    for wrong, code in ((token, "cart.empty"), ("x", "cart.unknown")):
        with pytest.raises(Refusal) as refused:
            checkout(wrong, None, ShipTo(), **BY)
        assert refused.value.code == code
    with pytest.raises(Refusal) as refused:
        open_cart("no shop", [], None, now=NOW)
    assert refused.value.code == "cart.shop"


@pytest.mark.usefixtures("company")
def test_an_ordered_cart_is_changed_no_more():
    put("sh", A=2)
    token = cart_of(("A", 1, 100))
    checkout(token, None, ShipTo(), **BY)
    with pytest.raises(Refusal) as refused:
        set_cart_lines(token, [], now=NOW)
    assert refused.value.code == "cart.ordered"


def _buy(token):
    try:
        return checkout(token, None, ShipTo(), **BY).order_id
    except Refusal as refusal:
        return refusal.code


def _pay_late(order_id):
    try:
        pay_order(order_id, "wechat", 100, actor=ACTOR, now=NOW + HOUR)
    except Refusal as refusal:
        return refusal.code
    return "paid"


def _sweep():
    return sweep_expired(NOW + HOUR)


@pytest.mark.usefixtures("live_company")
def test_many_carts_for_few_goods_have_as_many_buyers_as_goods():
    put("sh", A=3)
    tokens = [cart_of(("A", 1, 100)) for _ in range(10)]

    results = run_together([partial(_buy, token) for token in tokens])

    assert sorted(map(str, results)).count("cart.short") == 7
    assert pool("A") == (3, 0, 3)
    assert fetch_all("SELECT count(*) FROM orders_order") == [(3,)]


@pytest.mark.usefixtures("live_company")
def test_of_a_payment_and_the_end_of_its_time_exactly_one_wins():
    put("sh", A=6)
    orders = [_buy(cart_of(("A", 1, 100))) for _ in range(6)]

    *paid, _, _ = run_together([*(partial(_pay_late, i) for i in orders), _sweep, _sweep])

    assert set(paid) <= {"paid", "reservation.expired"}
    assert pool("A") == (6, 0, paid.count("paid"))
    assert sorted(statuses().values()).count("paid") == paid.count("paid")
