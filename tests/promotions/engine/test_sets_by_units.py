"""Offers over units, held against the same rule written over a plain list of units."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.promotions import book_of, cart_of, line, price, rule

LINES = st.lists(st.tuples(st.sampled_from([100, 200, 200, 350, 999]), st.integers(1, 6)), min_size=1, max_size=5)
TIMES = st.one_of(st.none(), st.integers(1, 4))


def units_of(lines):
    """The price of each unit, the dearest first."""
    return sorted((unit for unit, qty in lines for _ in range(qty)), reverse=True)


def taken_off(kind, benefit, times, lines):
    most = {} if times is None else {"max_times": times}
    cart = cart_of(*(line(n, f"S{n}", unit, qty) for n, (unit, qty) in enumerate(lines, 1)))
    return sum(units_of(lines)) - price(book_of(rule("r", kind, benefit | most)), cart).total_minor


@settings(max_examples=80, deadline=None)
@given(LINES, st.integers(2, 5), st.integers(0, 2_000), TIMES)
def test_n_for_a_price_takes_sets_of_the_dearest_units_while_they_cost_more(lines, n, set_price, times):
    units, expected = units_of(lines), 0
    for number in range(min(len(units) // n, times or len(units))):
        cost = sum(units[number * n : (number + 1) * n])
        if cost <= set_price:
            break
        expected += cost - set_price

    assert taken_off("n_for_price", {"n": n, "price_minor": set_price}, times, lines) == expected


@settings(max_examples=60, deadline=None)
@given(LINES, st.integers(1, 3), st.integers(1, 2), TIMES)
def test_the_units_given_are_the_cheapest_of_all(lines, buy, get, times):
    units = units_of(lines)
    count = min(len(units) // (buy + get), times or len(units)) * get
    expected = sum(units[len(units) - count :])

    assert taken_off("buy_x_get_y", {"buy": buy, "get": get}, times, lines) == expected
    if get == 1:
        assert taken_off("nth_item", {"n": buy + 1, "percent": 100}, times, lines) == expected
