"""Lanes in sequence, one chooser in each, and who may meet whom on a line."""

from tests.support.promotions import book_of, cart_of, line, nets, off, price, rule, why


def test_on_each_line_the_best_rule_of_a_lane_applies():
    book = book_of(
        rule("dear", "percent", {"percent": 20}, scope={"skus": ["A"]}),
        rule("wide", "percent", {"percent": 10}),
        rule("each", "timed", {"amount_minor": 150}, window={"ends_at": "2027-01-01"}),
    )

    result = price(book, cart_of(line(1, "A", 1000), line(2, "B", 1000), line(3, "C", 2000)))

    assert [off(result, code) for code in ("dear", "wide", "each")] == [{1: 200}, {3: 200}, {2: 150}]
    assert all(trial.applied for trial in result.trials)


def test_equals_are_decided_by_priority_then_by_code_and_never_by_the_place_in_the_book():
    ten = [rule(code, "percent", {"percent": 10}, priority=p) for code, p in (("c", 0), ("b", 0), ("a", -1))]
    cart = cart_of(line(1, "A", 1000))

    for rules in (ten, ten[::-1]):
        result = price(book_of(*rules), cart)
        assert off(result, "b") == {1: 100}
        assert why(result, "c") == ("outdone", {"rules": ["b"], "amount_minor": 100})


def test_the_first_of_a_lane_is_the_one_of_the_highest_priority_that_gives_anything():
    lanes = [{"code": "item", "chooser": "first"}]
    book = book_of(
        rule("first", "percent", {"percent": 5}, scope={"skus": ["A"]}, priority=9),
        rule("set", "nth_item", {"n": 2, "percent": 100}, lane="item", priority=5),
        rule("last", "percent", {"percent": 50}),
        lanes=lanes,
    )

    result = price(book, cart_of(line(1, "A", 1000), line(2, "B", 300), line(3, "C", 200)))

    assert [off(result, code) for code in ("first", "set", "last")] == [{1: 50}, {2: 120, 3: 80}, {}]
    assert why(result, "last") == ("outdone", {"rules": ["first", "set"]})


def test_rules_of_unlisted_groups_never_meet_on_a_line_and_thresholds_count_only_lines_that_are_open():
    book = book_of(
        rule("sale", "percent", {"percent": 10}, scope={"skus": ["A"]}),
        rule("full", "stepped", {"steps": [{"from_minor": 1000, "amount_minor": 100}]}),
    )

    enough = price(book, cart_of(line(1, "A", 5000), line(2, "B", 1000)))
    too_little = price(book, cart_of(line(1, "A", 5000), line(2, "B", 900)))
    nothing = price(book, cart_of(line(1, "A", 5000)))

    assert nets(enough) == [4500, 900]
    assert why(too_little, "full") == ("below_amount", {"needs_minor": 100})
    assert why(nothing, "full") == ("excluded", {"rules": ["sale"]})


def test_a_declared_pair_meets_and_the_later_lane_reckons_on_what_is_left():
    words = {"stack": (("order", "item"),)}
    rules = (
        rule("sale", "percent", {"percent": 50}),
        rule("full", "stepped", {"steps": [{"from_minor": 1000, "amount_minor": 100}]}),
    )
    lanes = [{"code": "item", "chooser": "best"}, {"code": "order", "chooser": "best", "base": "initial"}]

    running = price(book_of(*rules, **words), cart_of(line(1, "A", 1000)))
    initial = price(book_of(*rules, **words, lanes=lanes), cart_of(line(1, "A", 1000)))

    assert (running.total_minor, why(running, "full")[0]) == (500, "below_amount")
    assert initial.total_minor == 400


def test_a_pair_is_not_transitive():
    book = book_of(
        rule("a", "percent", {"percent": 10}, group="a"),
        rule("b", "amount", {"amount_minor": 100}, group="b"),
        rule("c", "amount", {"amount_minor": 100}, group="c", lane="coupon"),
        stack=(("a", "b"), ("b", "c")),
    )

    result = price(book, cart_of(line(1, "A", 1000)))

    assert result.total_minor == 800
    assert why(result, "c") == ("excluded", {"rules": ["a", "b"]})


def test_two_coupons_of_one_group_meet_only_when_the_group_is_paired_with_itself():
    coupons = [rule(code, "amount", {"amount_minor": 100}, needs_coupon=True) for code in ("x", "y")]
    cart = cart_of(line(1, "A", 1000), coupons={"1": "x", "2": "y"})

    apart, together = price(book_of(*coupons), cart), price(book_of(*coupons, stack=(("coupon", "coupon"),)), cart)

    assert (apart.total_minor, apart.coupons_used) == (900, ("1",))
    assert (together.total_minor, together.coupons_used) == (800, ("1", "2"))


def test_a_set_is_taken_when_it_is_worth_more_than_what_its_lines_would_have_otherwise():
    lanes = [{"code": "item", "chooser": "best"}]
    rules = [
        rule("ten", "percent", {"percent": 10}),
        rule("pair", "nth_item", {"n": 2, "percent": 50}, lane="item", scope={"skus": ["A", "B"]}),
    ]
    book = book_of(*rules, lanes=lanes)

    worth_it = price(book, cart_of(line(1, "A", 1000), line(2, "B", 1000), line(3, "C", 1000)))
    not_worth_it = price(book, cart_of(line(1, "A", 10000), line(2, "B", 1000), line(3, "C", 1000)))

    assert nets(worth_it) == [750, 750, 900]
    assert nets(not_worth_it) == [9000, 900, 900]
    assert why(not_worth_it, "pair") == ("outdone", {"rules": ["ten"], "amount_minor": 500})


def test_of_two_sets_the_better_one_takes_its_lines_and_the_other_what_is_left():
    pair = {"n": 2, "percent": 100}
    book = book_of(
        rule("wide", "nth_item", pair, scope={"skus": ["A", "B", "C"]}),
        rule("dear", "bundle", {"parts": [{"skus": ["A"]}, {"skus": ["B"]}], "price_minor": 1000}),
    )

    result = price(book, cart_of(line(1, "A", 3000), line(2, "B", 2000), line(3, "C", 500, 2)))

    # The bundle takes 4000 off A and B; the second C is free by the other rule.
    assert [sum(off(result, code).values()) for code in ("dear", "wide")] == [4000, 500]


def test_gifts_and_shipping_need_no_pair_but_can_ask_for_goods_without_a_discount():
    rules = (
        rule("sale", "percent", {"percent": 10}, scope={"skus": ["A"]}),
        rule("cup", "gift", {"gifts": [{"sku": "CUP"}]}, conditions={"min_minor": 900}),
        rule("pen", "gift", {"gifts": [{"sku": "PEN"}]}, conditions={"undiscounted": True}),
        rule("post", "free_shipping", {"amount_minor": 300}),
        rule("post2", "free_shipping", {"amount_minor": 200}),
    )

    result = price(book_of(*rules), cart_of(line(1, "A", 1000), shipping_minor=1000))

    assert [gift.sku for gift in result.gifts] == ["CUP"]
    assert why(result, "pen") == ("discounted", {"rules": ["sale"]})
    assert result.shipping_minor == 700
    assert why(result, "post2") == ("excluded", {"rules": ["post"]})


def test_of_shipping_offers_and_gifts_in_a_choosing_lane_one_applies():
    lanes = [{"code": "shipping", "chooser": "best"}, {"code": "gift", "chooser": "first"}]
    book = book_of(
        rule("low", "free_shipping", {"amount_minor": 200}, priority=9),
        rule("free", "free_shipping", {}),
        rule("cup", "gift", {"gifts": [{"sku": "CUP"}]}, priority=1),
        rule("pen", "gift", {"gifts": [{"sku": "PEN"}]}),
        lanes=lanes,
    )

    result = price(book, cart_of(line(1, "A", 1000), shipping_minor=1000))

    assert result.shipping_minor == 0
    assert why(result, "low") == ("outdone", {"rules": ["free"], "amount_minor": 0})
    assert [gift.sku for gift in result.gifts] == ["CUP"]


def test_of_rules_that_may_not_meet_the_earlier_lane_has_the_line_or_the_buyer_what_costs_least():
    rules = (
        rule("member", "percent", {"percent": 5}, group="member"),
        rule("full", "stepped", {"steps": [{"from_minor": 30000, "amount_minor": 5000}]}, group="full"),
        rule("live", "amount", {"amount_minor": 1000}, group="live", lane="coupon"),
    )
    pairs = (("full", "live"),)
    large, small = cart_of(line(1, "A", 30000)), cart_of(line(1, "A", 25000))

    by_lane = price(book_of(*rules, stack=pairs), large)
    by_buyer = price(book_of(*rules, stack=pairs, clash="buyer"), large)
    still_by_buyer = price(book_of(*rules, stack=pairs, clash="buyer"), small)

    assert by_lane.total_minor == 28500
    assert by_buyer.total_minor == 30000 - 5000 - 1000
    assert why(by_buyer, "member") == ("outdone", {"rules": ["full", "live"]})
    assert still_by_buyer.total_minor == 25000 - 1250
    assert why(still_by_buyer, "live") == ("excluded", {"rules": ["member"]})


def test_the_buyers_choice_never_costs_more_than_the_sequence_of_lanes():
    groups = "abcd"
    rules = [rule(f"r{g}", "amount", {"amount_minor": 100 * n}, group=g) for n, g in enumerate(groups, 1)]
    rules.append(rule("each", "percent", {"percent": 3}, group="e", scope={"skus": ["A"]}))
    cart = cart_of(line(1, "A", 5000), line(2, "B", 5000))
    lanes = [{"code": "item", "chooser": "best"}, {"code": "order", "chooser": "all"}]

    totals = []
    for clash in ("lane", "buyer"):
        book = book_of(*rules, stack=(("a", "b"), ("b", "c"), ("c", "d"), ("e", "a")), lanes=lanes, clash=clash)
        totals.append(price(book, cart).total_minor)

    # By lane: e on A, then a on both, then b on B alone. For the buyer: c and d together, 700 off.
    assert totals == [10000 - 150 - 100 - 200, 9300]
