"""No unit goes under its floor, budgets and quotas are kept, and every share has its payer."""

from tests.support.promotions import book_of, cart_of, line, nets, off, price, rule, why

from tongpan.promotions.engine.carts import Customer
from tongpan.promotions.engine.results import Take

OFF_90 = rule("r", "amount", {"amount_minor": 9000})


def test_what_a_line_has_no_room_for_goes_to_the_others():
    result = price(
        book_of(OFF_90), cart_of(line(1, "A", 10000, floor_minor=9000), line(2, "B", 10000), line(3, "C", 10000))
    )

    assert off(result, "r") == {1: 1000, 2: 4000, 3: 4000}
    assert why(result, "r") == ("applied", {"amount_minor": 9000})


def test_what_no_line_has_room_for_is_reported():
    result = price(
        book_of(OFF_90), cart_of(line(1, "A", 10000, floor_minor=9000), line(2, "B", 5000, 2, floor_minor=4999))
    )

    assert nets(result) == [9000, 9998]
    assert why(result, "r") == ("applied", {"amount_minor": 1002, "unplaced_minor": 7998})


def test_goods_at_their_floor_or_priced_below_it_are_left_alone():
    result = price(book_of(OFF_90), cart_of(line(1, "A", 10000, floor_minor=12000), line(2, "B", 500, floor_minor=500)))

    assert nets(result) == [10000, 500]
    assert why(result, "r") == ("floor", {})
    percent = price(book_of(rule("p", "percent", {"percent": 50})), cart_of(line(1, "A", 1000, floor_minor=1000)))
    assert why(percent, "p") == ("floor", {})


def test_a_percentage_stops_at_the_floor_and_says_what_is_missing():
    result = price(book_of(rule("p", "percent", {"percent": 50})), cart_of(line(1, "A", 1000, 2, floor_minor=700)))

    assert nets(result) == [1400]
    assert why(result, "p") == ("applied", {"amount_minor": 600, "unplaced_minor": 400})


def test_each_share_is_split_over_its_payers_by_weight():
    payers = {"shop": 50, "platform": 30, "influencer": 20}
    result = price(book_of(rule("r", "amount", {"amount_minor": 101}, payers=payers)), cart_of(line(1, "A", 1000)))

    assert [(share.payer, share.amount_minor) for share in result.discounts] == [
        ("shop", 51),
        ("platform", 30),
        ("influencer", 20),
    ]
    assert {share.weight for share in result.discounts} == {1000}


def test_a_budget_that_cannot_bear_the_whole_discount_bears_none_unless_it_may_bear_a_part():
    limits = {"money_minor": 100000}
    cart = cart_of(line(1, "A", 10000), line(2, "B", 20000))
    whole = book_of(rule("r", "amount", {"amount_minor": 999}, limits=limits))
    part = book_of(rule("r", "amount", {"amount_minor": 999}, limits=limits | {"partial": True}))

    assert price(whole, cart).takes == (Take("r:money", 999),)
    spent = price(whole, cart, r__money=998)
    assert (spent.total_minor, spent.takes) == (30000, ())
    assert why(spent, "r") == ("budget_spent", {"needs_minor": 1, "left_minor": 998})
    partly = price(part, cart, r__money=100)
    assert (off(partly, "r"), partly.takes) == ({1: 33, 2: 67}, (Take("r:money", 100),))


def test_rules_of_one_campaign_share_its_budget_within_a_cart():
    book = book_of(
        rule("a", "percent", {"percent": 10}, scope={"skus": ["A"]}, campaign="618"),
        rule("b", "percent", {"percent": 10}, scope={"skus": ["B"]}, campaign="618"),
    )
    cart = cart_of(line(1, "A", 1000), line(2, "B", 1000))

    result = price(book, cart, campaign__618__money=150)

    assert nets(result) == [900, 1000]
    assert result.takes == (Take("campaign:618:money", 100),)
    assert why(result, "b") == ("budget_spent", {"needs_minor": 50, "left_minor": 50})
    assert price(book, cart).takes == ()


def test_uses_in_all_on_a_day_and_by_a_customer_are_kept():
    limits = {"uses": 100, "uses_per_day": 10, "uses_per_customer": 2}
    book = book_of(rule("r", "percent", {"percent": 10}, limits=limits))
    cart = cart_of(line(1, "A", 1000))

    assert [take.counter for take in price(book, cart).takes] == ["r:uses", "r:uses_per_day", "r:uses_per_customer"]
    assert why(price(book, cart, r__uses=0), "r") == ("uses_spent", {"limit": 100})
    assert why(price(book, cart, r__uses_per_day=0), "r") == ("day_spent", {"limit": 10})
    assert why(price(book, cart, Customer("c", uses={"r": 2})), "r") == ("customer_limit", {"limit": 2})


def test_a_bound_quota_competes_with_what_it_has_left():
    book = book_of(
        rule("flash", "flash_sale", {"price_minor": 500}, limits={"units": 10}),
        rule("ten", "percent", {"percent": 10}),
    )
    cart = cart_of(line(1, "A", 1000, 10))

    assert nets(price(book, cart)) == [5000]
    assert nets(price(book, cart, flash__units=3)) == [8500]
    assert nets(price(book, cart, flash__units=1)) == [9000]


def test_a_second_coupon_of_one_rule_is_left_over():
    book = book_of(
        rule("r", "amount", {"amount_minor": 100}, needs_coupon=True), rule("open", "gift", {"gifts": [{"sku": "G"}]})
    )
    result = price(book, cart_of(line(1, "A", 1000), coupons={"k2": "r", "k1": "r", "k3": "gone", "k4": "open"}))

    assert (result.total_minor, result.coupons_used) == (900, ("k1",))
    told = {(trial.rule, trial.reason, str(trial.params.get("coupon"))) for trial in result.trials if not trial.applied}
    assert told == {
        ("r", "once_per_order", "k2"),
        ("gone", "unknown_rule", "k3"),
        ("open", "coupon_not_needed", "k4"),
    }


def test_a_budget_bears_what_floors_leave_of_a_discount_and_a_quota_counts_units_that_got_cheaper():
    cart = cart_of(line(1, "A", 1000, 2, floor_minor=1000), line(2, "B", 1000, 2, floor_minor=900))
    amount = book_of(rule("r", "amount", {"amount_minor": 5000}, limits={"money_minor": 200}))
    flash = book_of(rule("r", "flash_sale", {"price_minor": 500}, limits={"units": 2}))

    assert why(price(amount, cart), "r") == ("applied", {"amount_minor": 200, "unplaced_minor": 4800})
    assert (nets(price(flash, cart)), price(flash, cart).takes) == ([2000, 1800], (Take("r:units", 2),))


def test_a_set_price_is_what_the_set_costs_whatever_the_lane_reckons_on():
    lanes = [{"code": "item", "chooser": "best"}, {"code": "bundle", "chooser": "best", "base": "initial"}]
    book = book_of(
        rule("sale", "percent", {"percent": 10}),
        rule("set", "bundle", {"parts": [{"skus": ["A"]}, {"skus": ["B"]}], "price_minor": 1500}),
        lanes=lanes,
        stack=(("item", "bundle"),),
    )

    assert price(book, cart_of(line(1, "A", 1000), line(2, "B", 1000))).total_minor == 1500
