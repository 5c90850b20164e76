"""A checkout prices the cart by itself: book prices, promotions, coupons; and takes what they take."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from tests.support.company import ACTOR, NOW, pool, put
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.actions.cancelling import cancel_locked
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart, pay_order, set_cart_lines
from tongpan.orders.actions.locking import lock_orders
from tongpan.orders.engine import BuyerDoc, LineDoc, ShipTo
from tongpan.orders.offering import OfferFacts
from tongpan.orders.queries.offering import quote_of
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons
from tongpan.promotions.coupons import coder
from tongpan.promotions.models import Counter, Coupon, PricedOrder, Usage

BY = {"actor": ACTOR, "now": NOW}
BUYER = BuyerDoc("member", "company", "m-1", "张三")
EVERYTHING = {"all": True}
TEN_PERCENT = {"code": "ten", "kind": "percent", "scope": EVERYTHING, "benefit": {"percent": 10}, "name_zh": "九折"}
FIFTY = {
    "code": "fifty",
    "kind": "amount",
    "scope": EVERYTHING,
    "benefit": {"amount_minor": 5000},
    "needs_coupon": True,
    "payers": {"shop": 60, "platform": 40},
}


def rules(*given, **more):
    save_draft("d", {"rules": list(given), **more}, **BY)
    return publish("d", **BY)


def coupons(rule="fifty", count=1, **more):
    batch = create_batch(BatchSpec("B", rule, NOW - timedelta(days=1), **({"count": count} | more)), **BY)
    if batch.word is None:
        make_coupons(batch.pk)
        return [coder().code(batch.first_number + n) for n in range(count)]
    return [batch.word]


def cart_of(*lines):
    return open_cart("mall", [CartLineSpec(*line) for line in lines], None, now=NOW)


def order(token, *codes, buyer=BUYER, charges=(), quote="", **facts):
    return checkout(token, buyer, ShipTo("浙江省"), charges, offers=OfferFacts(codes, **facts), quote=quote, **BY)


def refused(code):
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)


def cancel(order_id):
    cancel_locked(list(lock_orders([order_id]).values()), "changed his mind", **BY)


@pytest.mark.usefixtures("company")
def test_an_order_keeps_what_each_payer_bears_of_each_line_and_why():
    put("sh", A=5, B=5)
    version = rules(TEN_PERCENT, FIFTY, stack=[["item", "coupon"]])
    (code,) = coupons()

    made = order(cart_of(("A", 1, 10_000), ("B", 2, 15_000)), code)

    assert made.total_minor == 36_000 - 5_000
    assert fetch_all("SELECT qty, amount_minor, unit_price FROM orders_orderline ORDER BY line_no") == [
        (1, 7_750, 100),
        (2, 23_250, 150),
    ]
    assert fetch_all(
        "SELECT l.line_no, d.payer, d.code, d.name, d.amount_minor FROM orders_discount d "
        "JOIN orders_orderline l ON l.id = d.line_id ORDER BY 1, 3, 2"
    ) == [
        (1, "platform", code, "fifty", 500),
        (1, "shop", code, "fifty", 750),
        (1, "shop", "ten", "九折", 1_000),
        (2, "platform", code, "fifty", 1_500),
        (2, "shop", code, "fifty", 2_250),
        (2, "shop", "ten", "九折", 3_000),
    ]
    priced = PricedOrder.objects.get()
    assert (priced.order_id, priced.version, priced.list_minor) == (made.order_id, version.version, 40_000)
    assert [(trial[0], trial[1]) for trial in priced.trials] == [("ten", True), ("fifty", True)]
    assert sorted(Usage.objects.values_list("rule", "discount_minor")) == [("fifty", 5_000), ("ten", 4_000)]


@pytest.mark.usefixtures("company")
def test_a_coupon_is_held_until_paid_and_given_back_by_a_cancelled_order():
    put("sh", A=5)
    rules(FIFTY)
    (code,) = coupons()
    first = order(cart_of(("A", 1, 10_000)), code)

    with refused("coupon.locked"):
        order(cart_of(("A", 1, 10_000)), code)
    cancel(first.order_id)
    second = order(cart_of(("A", 1, 10_000)), code)
    assert Coupon.objects.get().state == "locked"
    pay_order(second.order_id, "wechat", 5_000, **BY)

    assert Coupon.objects.get().state == "used"
    with refused("coupon.used"):
        order(cart_of(("A", 1, 10_000)), code)
    assert pool("A") == (5, 1, 0) or pool("A")[0] == 5


@pytest.mark.usefixtures("company")
def test_budgets_and_uses_are_taken_and_given_back():
    put("sh", A=9)
    rules(TEN_PERCENT | {"limits": {"money_minor": 2_500, "uses_per_customer": 2}})
    first = order(cart_of(("A", 1, 10_000)))
    order(cart_of(("A", 1, 10_000)))

    third = order(cart_of(("A", 1, 10_000)))
    other = order(cart_of(("A", 1, 10_000)), buyer=BuyerDoc("member", "company", "m-2"))
    cancel(first.order_id)
    again = order(cart_of(("A", 1, 10_000)))

    assert [one.total_minor for one in (first, third, other, again)] == [9_000, 10_000, 10_000, 9_000]
    assert Counter.objects.get(key="ten:money").used == 2_000
    assert Usage.objects.order_by("order_id")[0].released_at == NOW
    cancel(third.order_id)
    assert Counter.objects.get(key="ten:money").used == 2_000


@pytest.mark.usefixtures("company")
def test_who_cannot_be_told_apart_gets_no_offer_that_is_limited_per_customer():
    put("sh", A=9)
    rules(TEN_PERCENT | {"limits": {"uses_per_customer": 1}})

    assert order(cart_of(("A", 1, 10_000)), buyer=None).total_minor == 10_000
    assert order(cart_of(("A", 1, 10_000))).total_minor == 9_000


@pytest.mark.usefixtures("company")
def test_gifts_are_lines_at_nothing_and_shipping_is_lowered():
    put("sh", A=5, GIFT=5)
    gift = {"code": "gift", "kind": "gift", "benefit": {"gifts": [{"sku": "GIFT"}]}, "conditions": {"min_minor": 5_000}}
    free = {"code": "free", "kind": "free_shipping", "benefit": {}, "conditions": {"min_minor": 5_000}}
    rules(gift, free)

    made = order(cart_of(("A", 1, 10_000)), charges=[LineDoc("charge", "postage", "", 1, 800)])

    assert made.total_minor == 10_000
    assert fetch_all(
        "SELECT coalesce(s.code, l.charge_code), l.qty, l.amount_minor, l.line_key FROM orders_orderline l "
        "LEFT JOIN catalog_sku s ON s.id = l.sku_id ORDER BY line_no"
    ) == [("A", 1, 10_000, ""), ("GIFT", 1, 0, "gift:gift"), ("postage", 1, 0, "")]
    assert pool("GIFT") == (5, 0, 1)
    assert PricedOrder.objects.get().shipping_share_minor == 800


@pytest.mark.usefixtures("company")
def test_a_cart_that_was_changed_after_its_quote_cannot_be_ordered_by_it():
    put("sh", A=5)
    rules(TEN_PERCENT)
    token = cart_of(("A", 1, 10_000))
    seen = quote_of(token, OfferFacts(), region="浙江省", now=NOW)
    set_cart_lines(token, [CartLineSpec("A", 3, 10_000)], now=NOW)

    with refused("cart.price_changed"):
        order(token, quote=seen.token)

    assert fetch_all("SELECT count(*) FROM orders_order") == [(0,)]
    fresh = quote_of(token, OfferFacts(), region="浙江省", now=NOW)
    made = order(token, quote=fresh.token)
    assert (made.total_minor, fresh.total_minor) == (27_000, 27_000)
    with refused("cart.ordered"):
        set_cart_lines(token, [CartLineSpec("A", 1, 10_000)], now=NOW)
    with refused("payment.amount"):
        pay_order(made.order_id, "wechat", seen.total_minor, **BY)


@pytest.mark.usefixtures("company")
def test_an_offer_that_ends_between_quote_and_order_is_not_given():
    put("sh", A=5)
    end = NOW + timedelta(minutes=1)
    rules(TEN_PERCENT | {"window": {"ends_at": end.isoformat()}})
    token = cart_of(("A", 1, 10_000))
    seen = quote_of(token, OfferFacts(), now=NOW)
    offers = OfferFacts()

    with refused("cart.price_changed"):
        checkout(token, BUYER, ShipTo(), offers=offers, quote=seen.token, actor=ACTOR, now=end)
    just = end - timedelta(milliseconds=1)
    assert checkout(token, BUYER, ShipTo(), offers=offers, quote=seen.token, actor=ACTOR, now=just).total_minor == 9_000


def _together(works):
    """The outcomes of works that run at once, each in a process of its own: what it gives, or the refusal's code."""

    def told(work):
        try:
            return work()
        except Refusal as refusal:
            return refusal.code

    return run_together([partial(told, work) for work in works])


@pytest.mark.usefixtures("live_company")
def test_one_coupon_over_five_orders_discounts_one():
    put("sh", A=50)
    rules(FIFTY)
    (code,) = coupons()
    carts = [cart_of(("A", 1, 4_000)) for _ in range(5)]

    totals = _together([lambda token=token: order(token, code, buyer=None).total_minor for token in carts])

    assert [total for total in totals if isinstance(total, int)] == [0]
    assert set(totals) - {0} <= {"coupon.taken", "coupon.locked"}
    assert fetch_all("SELECT min(total_minor), count(*) FROM orders_order") == [(0, 1)]


@pytest.mark.usefixtures("live_company")
def test_a_budget_under_two_hundred_orders_is_spent_by_as_many_as_fit():
    put("sh", A=500)
    rules(
        {
            "code": "off",
            "kind": "amount",
            "scope": EVERYTHING,
            "benefit": {"amount_minor": 999},
            "limits": {"money_minor": 100_000},
        }
    )
    carts = [cart_of(("A", 1, 5_000)) for _ in range(200)]

    def some(process):
        totals = []
        for token in carts[process::8]:
            while True:
                try:
                    totals.append(order(token, buyer=None).total_minor)
                    break
                except Refusal as refusal:
                    # Another order took the last of it in between: look again.
                    assert refusal.code == "promotion.spent"
        return totals

    totals = [total for told in run_together([partial(some, process) for process in range(8)]) for total in told]

    assert sorted(set(totals)) == [4_001, 5_000]
    assert totals.count(4_001) == 100
    assert Counter.objects.get(key="off:money").used == 99_900
    assert fetch_all("SELECT sum(amount_minor) FROM orders_discount") == [(99_900,)]
