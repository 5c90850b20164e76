"""Goods are sold before they are there: up to a cap, held by a deposit, served in turn, given back when it ends."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import ACTOR, HOUR, NOW, order_ids, paid, pool, put, statuses
from tests.support.company import goods as line
from tests.support.following import route_all
from tests.support.intake import take
from tests.support.processes import run_together

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.stockout.actions import take_way_out
from tongpan.inventory.actions import sweep_expired
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart, pay_order
from tongpan.orders.actions.closing import close_unpaid
from tongpan.orders.actions.preorders import (
    close_late_preorders,
    pay_deposit,
    save_offers,
    serve_preorders,
    settle_preorders,
)
from tongpan.orders.engine import BuyerDoc, ShipTo
from tongpan.orders.preordering import OfferSpec, balance_due, deposit_of

BY = {"actor": ACTOR, "now": NOW}


def sku_known(*codes):
    """Goods that the catalogue knows and nobody has."""
    for code in codes:
        put("sh", f"opening-{code}", **{code: 0})


def offered(code="A", cap=10, **more):
    sku_known(code)
    save_offers([OfferSpec(code, cap, **more)], **BY)


def ordered_ahead(qty=1, buyer="m-1", code="A", now=NOW):
    token = open_cart("mall", [CartLineSpec(code, qty, 1000)], None, now=now)
    who = BuyerDoc("member", "company", buyer, "")
    return checkout(token, who, ShipTo(), actor=ACTOR, now=now, as_preorder=True)


def arrived(units, code="A"):
    put("sh", f"arrival-{units}-{code}", **{code: units})
    skus = [i for (i,) in fetch_all("SELECT id FROM catalog_sku WHERE code = %s", [code])]
    return serve_preorders(skus, actor=ACTOR, now=NOW + HOUR)


def taken():
    return fetch_all("SELECT taken FROM orders_preorderoffer ORDER BY id")[0][0]


def states():
    return dict(fetch_all("SELECT order_id, state FROM orders_preorder"))


@pytest.mark.parametrize(
    ("amount", "qty", "percent", "unit", "deposit"),
    [
        (1000, 1, 30, None, 300),
        (999, 1, 30, None, 300),
        (1000, 2, 0, 200, 400),
        (300, 2, 0, 200, 300),
        (5, 1, 0, None, 0),
    ],
)
def test_a_deposit_is_a_share_or_an_amount_a_unit_and_never_more_than_all(amount, qty, percent, unit, deposit):
    assert deposit_of(amount, qty, percent, unit) == deposit


def test_the_balance_may_be_paid_for_some_hours_and_not_due_before_a_day():
    assert balance_due(NOW, 72, None) == NOW + timedelta(hours=72)
    assert balance_due(NOW, 72, NOW + timedelta(days=9)) == NOW + timedelta(days=9)


@pytest.mark.usefixtures("company")
def test_a_deposit_holds_the_place_and_the_balance_the_goods():
    offered(deposit_percent=20)

    made = ordered_ahead(2)
    assert (made.total_minor, made.deposit_minor, states()) == (2000, 400, {made.order_id: "asked"})
    with pytest.raises(Refusal, match=r"The deposit of order .* is 4\.00 CNY"):
        pay_deposit(made.order_id, "wechat", 399, **BY)
    revision = pay_deposit(made.order_id, "wechat", 400, **BY)
    assert pay_deposit(made.order_id, "wechat", 400, **BY) == revision

    assert arrived(1) == [], "whole or not at all"
    assert arrived(5) == [made.order_id]
    assert (states(), pool("A")) == ({made.order_id: "served"}, (6, 0, 2))
    assert fetch_all("SELECT expires_at FROM inventory_reservation") == [(NOW + HOUR + timedelta(hours=72),)]

    pay_order(made.order_id, "wechat", 1600, **BY)
    assert statuses() == {made.number: "paid"}
    assert fetch_all("SELECT seq, amount_minor FROM orders_payment ORDER BY seq") == [(1, 400), (2, 1600)]
    assert fetch_all("SELECT paid_minor FROM orders_order") == [(2000,)]
    assert route_all() == {made.number: "routed"}
    assert reconcile().differences == []


@pytest.mark.usefixtures("company")
def test_who_paid_the_deposit_first_is_served_first():
    offered(deposit_percent=10)
    early, late, never = (ordered_ahead(buyer=f"m-{n}") for n in range(3))
    pay_deposit(late.order_id, "wechat", 100, actor=ACTOR, now=NOW + timedelta(minutes=2))
    pay_deposit(early.order_id, "wechat", 100, actor=ACTOR, now=NOW + timedelta(minutes=1))

    assert arrived(1) == [early.order_id]
    assert arrived(3) == [late.order_id]
    assert states() == {early.order_id: "served", late.order_id: "served", never.order_id: "asked"}


@pytest.mark.usefixtures("company")
def test_a_balance_that_is_not_paid_gives_goods_and_place_to_others():
    offered(cap=1, deposit_percent=10)
    made = ordered_ahead()
    pay_deposit(made.order_id, "wechat", 100, **BY)
    arrived(1)
    later = NOW + timedelta(days=4)

    sweep_expired(later)
    close_unpaid([made.order_id], actor="checkout", now=later)
    assert settle_preorders([made.order_id], now=later) == 1
    assert settle_preorders([made.order_id], now=later) == 0

    assert (statuses(), states(), taken()) == ({made.number: "cancelled"}, {made.order_id: "ended"}, 0)
    assert pool("A") == (1, 0, 0)


@pytest.mark.usefixtures("company")
def test_a_deposit_that_is_not_paid_in_time_ends_the_preorder():
    offered(cap=1, deposit_percent=10)
    made = ordered_ahead()
    later = NOW + timedelta(minutes=16)

    with pytest.raises(Refusal) as refused:
        pay_deposit(made.order_id, "wechat", 100, actor=ACTOR, now=later)
    assert refused.value.code == "preorder.late"
    assert close_late_preorders(actor="checkout", now=NOW) == 0
    assert close_late_preorders(actor="checkout", now=later) == 1
    settle_preorders([made.order_id], now=later)

    assert (statuses(), taken()) == ({made.number: "cancelled"}, 0)


@pytest.mark.usefixtures("company")
def test_goods_on_no_offer_and_beyond_the_cap_are_refused_and_leave_nothing():
    offered(cap=3)
    sku_known("B")
    ordered_ahead(2)

    for code, qty, said in (("A", 2, "preorder.full"), ("B", 1, "preorder.none")):
        with pytest.raises(Refusal) as refused:
            ordered_ahead(qty, "m-2", code)
        assert refused.value.code == said
    assert fetch_all("SELECT count(*) FROM orders_order") == [(1,)]
    assert taken() == 2
    with pytest.raises(Refusal, match="2 units of A have been taken already"):
        offered(cap=1)
    with pytest.raises(IntegrityError, match="preorder_cap_holds"), transaction.atomic():
        execute("UPDATE orders_preorderoffer SET taken = 4")


@pytest.mark.usefixtures("company")
def test_the_offer_of_the_channel_goes_before_that_of_every_channel():
    channel = fetch_all(
        "SELECT c.code FROM channels_channel c JOIN channels_shop s ON s.channel_id = c.id WHERE s.code = 'mall'"
    )[0][0]
    offered(cap=5)
    offered(cap=1, channel_code=channel)

    ordered_ahead()

    assert fetch_all("SELECT channel_id IS NULL, taken FROM orders_preorderoffer ORDER BY id") == [
        (True, 0),
        (False, 1),
    ]
    with pytest.raises(Refusal):
        ordered_ahead(buyer="m-2")


@pytest.mark.usefixtures("company")
def test_an_order_that_waits_by_a_way_out_counts_against_the_cap():
    offered(cap=1)
    take(paid("P-1", line("A")), paid("P-2", line("A")))
    route_all()
    first, second = order_ids(["P-1", "P-2"])

    take_way_out(first, "reservation", **BY)
    with pytest.raises(Refusal) as refused:
        take_way_out(second, "reservation", **BY)

    assert (refused.value.code, taken(), states()) == ("preorder.full", 1, {first: "held"})
    assert arrived(1) == [first]
    assert route_all("P-1") == {"P-1": "routed"}


def _try(n):
    try:
        ordered_ahead(1, f"m-{n}")
    except Refusal as refusal:
        return refusal.code
    return "taken"


@pytest.mark.usefixtures("live_company")
def test_the_cap_is_never_exceeded_by_many_at_once():
    offered(cap=3)

    answers = run_together([partial(_try, n) for n in range(8)])

    assert sorted(answers) == ["preorder.full"] * 5 + ["taken"] * 3
    assert taken() == 3
    assert fetch_all("SELECT count(*) FROM orders_preorder") == [(3,)]
