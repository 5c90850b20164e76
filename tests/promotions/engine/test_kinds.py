"""What each kind of rule takes off, to the fen."""

import pytest
from tests.support.promotions import book_of, cart_of, line, nets, off, price, rule, why

from tongpan.promotions.engine.carts import Cart, Coupon, Customer
from tongpan.promotions.engine.results import Gift, Share

MEMBER = Customer("m", "gold", is_member=True)
NEW = Customer("n", is_new=True)


def test_a_percentage_is_rounded_on_each_line_half_up():
    result = price(book_of(rule("r", "percent", {"percent": 15})), cart_of(line(1, "A", 990), line(2, "B", 350)))

    assert off(result, "r") == {1: 149, 2: 53}
    assert result.discounts[0] == Share(1, "r", "shop", "", 149, 990)


def test_a_percentage_with_a_cap_spreads_the_cap_over_the_lines():
    book = book_of(rule("r", "percent", {"percent": 20, "max_minor": 3000}))

    small = price(book, cart_of(line(1, "A", 10000)))
    large = price(book, cart_of(line(1, "A", 10000), line(2, "B", 20000)))

    assert off(small, "r") == {1: 2000}
    assert off(large, "r") == {1: 1000, 2: 2000}


def test_an_amount_is_off_each_unit_or_off_the_order():
    unit = price(book_of(rule("r", "amount", {"amount_minor": 300, "per": "unit"})), cart_of(line(1, "A", 1000, 3)))
    order = price(book_of(rule("r", "amount", {"amount_minor": 300})), cart_of(line(1, "A", 1000, 3)))

    assert (nets(unit), nets(order)) == ([2100], [2700])


def test_an_amount_never_makes_a_price_negative():
    result = price(book_of(rule("r", "amount", {"amount_minor": 5000})), cart_of(line(1, "A", 1000)))

    assert result.total_minor == 0
    assert why(result, "r") == ("applied", {"amount_minor": 1000, "unplaced_minor": 4000})


def test_a_fixed_price_lowers_and_never_raises():
    book = book_of(rule("r", "fixed_price", {"prices": {"A": 800, "B": 5000}}, scope={"skus": ["A", "B"]}))

    result = price(book, cart_of(line(1, "A", 1000, 2), line(2, "B", 4000)))

    assert nets(result) == [1600, 4000]


def test_a_flash_sale_sells_no_more_units_at_its_price_than_its_quota_and_the_customers_part():
    book = book_of(
        rule("r", "flash_sale", {"price_minor": 100}, limits={"units": 50, "units_per_customer": 2}),
    )
    cart = cart_of(line(1, "A", 1000, 3))

    first = price(book, cart)
    last_unit = price(book, cart, r__units=1)
    sold_out = price(book, cart, r__units=0)
    had_both = price(book, cart, r__units_per_customer=0)

    assert nets(first) == [1200]
    assert [(take.counter, take.amount) for take in first.takes] == [("r:units", 2), ("r:units_per_customer", 2)]
    assert nets(last_unit) == [2100]
    assert (nets(sold_out), why(sold_out, "r")) == ([3000], ("units_spent", {}))
    assert nets(had_both) == [3000]


def test_member_prices_are_for_members_and_tiers():
    book = book_of(rule("r", "member_price", {"percent": 10}, conditions={"tiers": ["gold", "black"]}))
    cart = cart_of(line(1, "A", 1000))

    assert nets(price(book, cart, MEMBER)) == [900]
    assert why(price(book, cart), "r") == ("member", {})
    silver = price(book, cart, MEMBER._replace(tier="silver"))
    assert why(silver, "r") == ("tier", {"tiers": ["black", "gold"], "is": "silver"})


def test_a_first_order_offer_is_for_new_customers():
    book = book_of(rule("r", "first_order", {"amount_minor": 2000}, conditions={"min_minor": 5000}))

    assert price(book, cart_of(line(1, "A", 6000)), NEW).total_minor == 4000
    assert why(price(book, cart_of(line(1, "A", 6000))), "r") == ("new_customer", {})
    assert why(price(book, cart_of(line(1, "A", 3000)), NEW), "r") == ("below_amount", {"needs_minor": 2000})


def test_a_group_price_is_opened_by_the_group():
    book = book_of(rule("r", "group_price", {"price_minor": 700}))

    alone = price(book, cart_of(line(1, "A", 1000)))
    formed = price(book, cart_of(line(1, "A", 1000), coupons={"group-7": "r"}))

    assert (alone.total_minor, alone.discounts) == (1000, ())
    assert formed.discounts == (Share(1, "r", "shop", "group-7", 300, 1000),)


STEPS = {"steps": [{"from_minor": 20000, "amount_minor": 2000}, {"from_minor": 30000, "amount_minor": 5000}]}


@pytest.mark.parametrize(("paid", "expected"), [(19999, 0), (20000, 2000), (29999, 2000), (30000, 5000), (90000, 5000)])
def test_the_highest_step_that_is_reached_counts(paid, expected):
    result = price(book_of(rule("r", "stepped", STEPS)), cart_of(line(1, "A", paid)))

    assert paid - result.total_minor == expected


def test_a_repeated_step_counts_each_time_up_to_its_cap():
    benefit = {"steps": [{"from_minor": 10000, "amount_minor": 1500}], "repeat": True, "max_times": 3}
    book = book_of(rule("r", "stepped", benefit))

    assert [price(book, cart_of(line(1, "A", paid))).total_minor for paid in (9999, 29999, 99000)] == [
        9999,
        26999,
        94500,
    ]


def test_steps_by_units_give_a_percentage_of_the_whole():
    benefit = {"by": "qty", "steps": [{"from_qty": 2, "percent": 10}, {"from_qty": 3, "percent": 20}]}
    book = book_of(rule("r", "stepped", benefit))

    result = price(book, cart_of(line(1, "A", 999, 2), line(2, "B", 500)))

    assert result.total_minor == 2498 - 500
    assert why(price(book, cart_of(line(1, "A", 999))), "r") == ("below_qty", {"needs": 1})


def test_the_cheapest_of_three_is_free_and_its_price_is_spread_over_the_three():
    book = book_of(rule("r", "buy_x_get_y", {"buy": 2, "get": 1}))

    result = price(book, cart_of(line(1, "A", 3000), line(2, "B", 2000), line(3, "C", 1000)))

    assert off(result, "r") == {1: 500, 2: 333, 3: 167}


def test_what_is_given_can_bear_the_whole_discount_itself():
    book = book_of(rule("r", "buy_x_get_y", {"buy": 2, "get": 1, "spread": "given"}))

    result = price(book, cart_of(line(1, "A", 3000), line(2, "B", 2000), line(3, "C", 1000)))

    assert nets(result) == [3000, 2000, 0]


def test_goods_given_for_others_are_the_cheapest_of_their_own_scope():
    benefit = {"buy": 1, "get": 1, "percent": 50, "of": {"categories": ["socks"]}, "spread": "given"}
    book = book_of(rule("r", "buy_x_get_y", benefit, scope={"categories": ["shoes"]}))
    shoes, dear, cheap = (
        line(1, "S", 30000, categories=("shoes",)),
        line(2, "D", 3000, categories=("socks",)),
        line(3, "C", 2000, categories=("socks",)),
    )

    assert nets(price(book, cart_of(shoes, dear, cheap))) == [30000, 3000, 1000]
    assert why(price(book, cart_of(shoes)), "r") == ("incomplete", {"needs": 1, "part": 2})
    assert why(price(book, cart_of(dear)), "r") == ("below_qty", {"needs": 1})


def test_a_bundle_costs_its_price_as_often_as_it_is_complete():
    benefit = {"parts": [{"skus": ["A"]}, {"skus": ["B", "C"], "qty": 2}], "price_minor": 5000}
    book = book_of(rule("r", "bundle", benefit))

    result = price(book, cart_of(line(1, "A", 3000, 2), line(2, "B", 2000, 3), line(3, "C", 1500, 2)))

    # Two sets: 2 A, 3 B, 1 C = 13500 for 10000; the second C is at its own price.
    assert result.total_minor == 10000 + 1500
    assert why(price(book, cart_of(line(1, "A", 3000), line(2, "B", 2000))), "r") == (
        "incomplete",
        {"part": 2, "needs": 1},
    )


def test_parts_of_a_bundle_that_share_goods_do_not_count_a_unit_twice():
    benefit = {"parts": [{"skus": ["A"]}, {"skus": ["A"]}], "amount_minor": 100}
    book = book_of(rule("r", "bundle", benefit))

    totals = [price(book, cart_of(line(1, "A", 1000, qty))).total_minor for qty in (1, 2, 3, 4)]

    assert totals == [1000, 1900, 2900, 3800]


def test_any_three_for_a_price_take_the_dearest_and_leave_sets_that_are_cheaper_anyway():
    book = book_of(rule("r", "n_for_price", {"n": 3, "price_minor": 9900}))

    mixed = price(book, cart_of(line(1, "A", 5000, 2), line(2, "B", 4000, 2), line(3, "C", 1000, 3)))
    many = price(book, cart_of(line(1, "A", 5000, 7)))

    # 5000+5000+4000 for 9900; the next three, 4000+1000+1000, cost less than 9900.
    assert mixed.total_minor == 9900 + 4000 + 3000
    assert many.total_minor == 2 * 9900 + 5000


def test_the_second_at_half_price_is_the_cheaper_one():
    anything = book_of(rule("r", "nth_item", {"n": 2, "percent": 50}))
    same = book_of(rule("r", "nth_item", {"n": 2, "percent": 50, "same_sku": True}))
    cart = cart_of(line(1, "A", 3000), line(2, "B", 1001))

    assert price(anything, cart).total_minor == 4001 - 501
    assert why(price(same, cart), "r") == ("below_qty", {"needs": 1})
    assert price(same, cart_of(line(1, "A", 3000, 4))).total_minor == 9000


def test_trade_in_deducts_the_valuation_and_a_bonus_up_to_a_cap():
    book = book_of(rule("r", "trade_in", {"bonus_minor": 5000, "max_minor": 20000}))
    cart = cart_of(line(1, "A", 100000))

    assert price(book, cart).total_minor == 100000
    for value, expected in ((8000, 13000), (40000, 20000)):
        opened = cart._replace(coupons=(Coupon("v", "r", value),))
        assert 100000 - price(book, opened).total_minor == expected
    assert why(price(book, cart._replace(coupons=(Coupon("v", "r"),))), "r") == ("not_valued", {})


def test_gifts_come_as_often_as_their_threshold_is_reached():
    book = book_of(
        rule(
            "r",
            "gift",
            {"gifts": [{"sku": "CUP", "qty": 2}], "repeat": True, "max_times": 3},
            conditions={"min_minor": 10000},
            payers={"brand": 2, "shop": 1},
        )
    )

    result = price(book, cart_of(line(1, "A", 12500, 2)))

    assert result.gifts == (Gift("r", "CUP", 4, "brand"),)
    assert (result.total_minor, result.discounts) == (25000, ())
    assert why(price(book, cart_of(line(1, "A", 9900))), "r") == ("below_amount", {"needs_minor": 100})


def test_a_sample_is_one_for_each_customer():
    book = book_of(rule("r", "sample", {"gifts": [{"sku": "TRY"}]}, limits={"uses_per_customer": 1}))
    cart = cart_of(line(1, "A", 100))

    assert price(book, cart).gifts == (Gift("r", "TRY", 1, "shop"),)
    assert why(price(book, cart, Customer("c", uses={"r": 1})), "r") == ("customer_limit", {"limit": 1})


def test_shipping_is_free_or_cheaper():
    free = book_of(rule("r", "free_shipping", {}, conditions={"min_minor": 9900, "not_regions": ["Tibet"]}))
    lower = book_of(rule("r", "free_shipping", {"amount_minor": 500}, payers={"platform": 1}))
    cart = cart_of(line(1, "A", 9900), shipping_minor=1200)

    paid = price(free, cart)
    assert (paid.shipping_minor, paid.total_minor) == (0, 9900)
    assert price(lower, cart).discounts == (Share(0, "r", "platform", "", 500, 1200),)
    assert why(price(free, Cart(cart.lines, "tmall", region="Tibet", shipping_minor=1200)), "r")[0] == "region_out"
    assert why(price(free, cart_of(line(1, "A", 9900))), "r") == ("no_shipping", {})
