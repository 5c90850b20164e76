"""Carts that make no sense are refused in one sentence; large ones are priced."""

import time

import pytest
from tests.support.promotions import NOON, book_of, cart_of, line, nets, price, rule

from tongpan.promotions.engine.carts import Cart
from tongpan.promotions.engine.evaluate import BadCart, evaluate

BOOK = book_of(
    rule("r", "amount", {"amount_minor": 12345}),
    rule("p", "percent", {"percent": 7}, scope={"skus": ["S1"]}),
    rule("n", "nth_item", {"n": 3, "percent": 50}),
    stack=(("item", "order"), ("bundle", "order")),
)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([line(1, "A", 100, 0)], "Line 1 (A) has the quantity 0; it must be at least 1."),
        ([line(1, "A", 100, -2)], "Line 1 (A) has the quantity -2; it must be at least 1."),
        ([line(1, "A", -1)], "Line 1 (A) has the negative price -1."),
        ([line(1, "A", 100), line(1, "B", 100)], "Two lines have the number 1; give each its own."),
        ([line(0, "A", 100)], "Line 0 (A) has no number above 0."),
        ([line(1, "A", 100, currency="USD")], "Line 1 (A) is in USD, the cart in CNY; price them apart."),
        ([line(1, "A", 100, floor_minor=-5)], "Line 1 (A) has the negative floor -5."),
        ([line(1, "A", 1.5)], "Line 1 (A) has a quantity or a price that is no whole number; prices are minor units."),
        ([line(1, "A", 10**15, 2)], "Line 1 (A) comes to 2000000000000000; more than 1000000000000000 is not priced."),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(lines, sentence):
    with pytest.raises(BadCart) as refused:
        price(BOOK, cart_of(*lines))

    assert refused.value.sentence == sentence


def test_a_cart_in_another_currency_is_refused():
    with pytest.raises(BadCart, match="The cart is in USD, the rulebook in CNY; price them apart"):
        price(BOOK, cart_of(line(1, "A", 100), currency="USD"))


def test_an_empty_cart_costs_its_shipping():
    result = price(BOOK, Cart((), "tmall", shipping_minor=500))

    assert (result.total_minor, result.lines, result.trials) == (500, (), ())


def test_ten_thousand_lines_are_priced_in_linear_time_and_one_more_is_refused():
    lines = tuple(line(n, f"S{n % 50}", 1000 + n % 7, floor_minor=990) for n in range(1, 10_001))
    seconds = []
    for count in (1_000, 10_000):
        runs = []
        for _ in range(3):
            began = time.process_time()
            result = evaluate(BOOK, Cart(lines[:count], "tmall"), at=NOON)
            runs.append(time.process_time() - began)
        seconds.append(min(runs))

    assert len(result.lines) == 10_000
    assert all(one.net_minor >= 990 for one in result.lines)
    assert seconds[1] < 30 * seconds[0]
    with pytest.raises(BadCart, match="10001 lines; at most 10000"):
        evaluate(BOOK, Cart((*lines, line(10_001, "A", 1)), "tmall"), at=NOON)


def test_lines_come_back_in_the_order_of_their_numbers():
    result = price(BOOK, cart_of(line(2, "B", 100000), line(1, "S1", 50000)))

    assert [one.number for one in result.lines] == [1, 2]
    assert nets(result)[1] < 100000
