"""Group-buy: places are held by orders, groups are formed by payments, and what is not formed is paid back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.company import ACTOR, NOW, pool, put
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart, pay_order
from tongpan.orders.actions.closing import close_unpaid
from tongpan.orders.actions.grouping import settle_groups
from tongpan.orders.actions.holding import blocked_orders, release_hold
from tongpan.orders.aftersale.actions import pay_refunds
from tongpan.orders.engine import BuyerDoc, LineDoc, ShipTo
from tongpan.orders.offering import OfferFacts
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.activities.groups import GroupOfferSpec, open_group, save_group_offer
from tongpan.promotions.models import Group, GroupPlace
from tongpan.promotions.pricing_carts import Opened

BY = {"actor": ACTOR, "now": NOW}
RULE = {"code": "trio", "kind": "group_price", "scope": {"all": True}, "benefit": {"price_minor": 7_900}}
POSTAGE = [LineDoc("charge", "postage", "postage", 1, 600)]


def offered(size=2, hours=24):
    save_draft("d", {"rules": [RULE]}, **BY)
    publish("d", **BY)
    save_group_offer(GroupOfferSpec("trio", size, hours), **BY)
    return open_group("trio", now=NOW).code


def order(code, buyer, now=NOW, charges=()):
    cart = open_cart("mall", [CartLineSpec("A", 1, 10_000)], None, now=now)
    offers = OfferFacts(opened=[Opened(code, "trio")])
    who = BuyerDoc("member", "company", buyer)
    return checkout(cart, who, ShipTo("浙江省"), charges, offers=offers, actor=ACTOR, now=now).order_id


def pay(order_id, amount=7_900, now=NOW):
    pay_order(order_id, "wechat", amount, actor=ACTOR, now=now)


def refused(code):
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)


def state(code):
    group = Group.objects.get(code=code)
    return group.state, group.taken, group.paid


@pytest.mark.usefixtures("company")
def test_a_group_is_formed_by_its_last_payment_and_its_orders_are_let_go():
    put("sh", A=9)
    code = offered()
    leader = order(code, "m-1")
    with refused("group.waiting"):
        order(code, "m-2")
    pay(leader)
    assert state(code) == ("open", 1, 1)
    with refused("group.twice"):
        order(code, "m-1")
    follower = order(code, "m-2")
    with refused("group.full"):
        order(code, "m-3")
    assert settle_groups(**BY) == 0
    assert blocked_orders([leader, follower]) == {leader, follower}
    with refused("hold.reason"):
        release_hold([leader], "group", "hurry", **BY)

    pay(follower)

    assert state(code) == ("formed", 2, 2)
    assert settle_groups(**BY) == 2
    assert blocked_orders([leader, follower]) == set()
    assert settle_groups(actor=ACTOR, now=NOW + timedelta(days=9)) == 0
    assert fetch_all("SELECT DISTINCT status FROM orders_order") == [("paid",)]


@pytest.mark.usefixtures("company")
def test_an_unpaid_place_is_free_again():
    put("sh", A=9)
    code = offered()
    pay(order(code, "m-1"))
    late = order(code, "m-2")

    close_unpaid([late], actor=ACTOR, now=NOW + timedelta(hours=1))

    assert state(code) == ("open", 1, 1)
    pay(order(code, "m-3"))
    assert state(code) == ("formed", 2, 2)


@pytest.mark.usefixtures("company")
def test_a_group_that_is_not_formed_is_paid_back_whole_and_once():
    put("sh", A=9)
    code = offered(size=3, hours=2)
    leader = order(code, "m-1", charges=POSTAGE)
    pay(leader, 8_500)
    over = NOW + timedelta(hours=2)
    unpaid = order(code, "m-2", now=over - timedelta(minutes=5))

    with refused("group.over"):
        pay(unpaid, now=over)
    with refused("group.over"):
        order(code, "m-3", now=over)
    assert settle_groups(actor=ACTOR, now=over) == 2
    assert settle_groups(actor=ACTOR, now=over + timedelta(hours=1)) == 0

    assert state(code) == ("expired", 2, 1)
    assert fetch_all("SELECT DISTINCT status FROM orders_order") == [("cancelled",)]
    assert fetch_all("SELECT id, order_id, status, charges_minor, total_minor FROM orders_refund") == [
        (fetch_all("SELECT id FROM orders_refund")[0][0], leader, "approved", 600, 8_500)
    ]
    (refund,) = fetch_all("SELECT id FROM orders_refund")
    pay_refunds(refund, "wx-1", actor=ACTOR, now=over)
    assert fetch_all("SELECT refunded_minor FROM orders_order WHERE id = %s", [leader]) == [(8_500,)]
    assert fetch_all("SELECT count(*) FROM orders_return") == [(0,)]
    assert fetch_all("SELECT status FROM orders_returncase") == [("closed",)]
    assert pool("A")[0] == 9
    assert set(GroupPlace.objects.values_list("state", "is_settled")) == {("left", True)}


@pytest.mark.usefixtures("company")
def test_codes_that_open_nothing_are_refused_at_checkout():
    put("sh", A=9)
    offered()

    with refused("group.unknown"):
        order("GNOSUCHGROUP", "m-1")
    assert fetch_all("SELECT count(*) FROM orders_order") == [(0,)]


@pytest.mark.usefixtures("live_company")
def test_one_of_64_gets_the_last_place():
    put("sh", A=99)
    code = offered()
    pay(order(code, "leader"))

    def some(process):
        told = []
        for n in range(8):
            try:
                order(code, f"b-{process}-{n}")
                told.append("in")
            except Refusal as refusal:
                told.append(refusal.code)
        return told

    results = run_together([lambda process=process: some(process) for process in range(8)])

    outcomes = [one for told in results for one in told]
    assert outcomes.count("in") == 1
    assert outcomes.count("group.full") == 63
    assert state(code) == ("open", 2, 1)
    assert fetch_all("SELECT count(*) FROM orders_order") == [(2,)]
