"""Money is integers: splitting loses nothing, rounding is that of bookkeeping."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.core.money import Money, allocate, exponent, to_decimal, to_minor

AMOUNTS = st.integers(-(10**14), 10**14)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@given(AMOUNTS, WEIGHTS)
def test_shares_add_up_to_the_amount(amount, weights):
    assert sum(allocate(amount, weights)) == amount


@given(AMOUNTS, WEIGHTS)
def test_each_share_is_within_one_unit_of_its_exact_value(amount, weights):
    effective = weights if sum(weights) else [1] * len(weights)

    shares = allocate(amount, weights)

    # |share - amount * weight / total| < 1, without a division
    assert all(
        abs(share * sum(effective) - amount * weight) < sum(effective)
        for share, weight in zip(shares, effective, strict=True)
    )


@given(AMOUNTS, WEIGHTS)
def test_no_share_has_the_other_sign_and_no_weight_means_no_share(amount, weights):
    shares = allocate(amount, weights)

    assert all(share == 0 or (share > 0) == (amount > 0) for share in shares)
    if sum(weights):
        assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


@given(AMOUNTS, WEIGHTS)
def test_a_refund_mirrors_its_charge(amount, weights):
    assert allocate(-amount, weights) == [-share for share in allocate(amount, weights)]


@given(st.integers(0, 10**14), WEIGHTS)
def test_of_equal_weights_the_earlier_gets_the_odd_unit(amount, weights):
    shares = allocate(amount, weights)

    for first in range(len(weights)):
        for second in range(first + 1, len(weights)):
            if weights[first] == weights[second]:
                assert 0 <= shares[first] - shares[second] <= 1


@given(st.integers(0, 10**14), st.data())
def test_the_order_of_the_weights_decides_nothing_but_ties(amount, data):
    # given weights, and the same weights in another order
    weights = data.draw(WEIGHTS)
    places = data.draw(st.permutations(range(len(weights))))

    # when
    shares = allocate(amount, weights)
    moved = allocate(amount, [weights[place] for place in places])

    # then a share changes only where remainders tie, and equal weights get the same shares among them
    total = sum(weights) or len(weights)
    effective = weights if sum(weights) else [1] * len(weights)
    remainders = [amount * weight % total for weight in effective]
    for position, place in enumerate(places):
        if remainders.count(remainders[place]) == 1:
            assert moved[position] == shares[place]
    assert sorted(moved) == sorted(shares) or len(set(remainders)) < len(remainders)


@pytest.mark.parametrize(
    "_case, amount, weights, shares",
    [
        ("thirds", 100, [1, 1, 1], [34, 33, 33]),
        ("a negative amount", -100, [1, 1, 1], [-34, -33, -33]),
        ("largest remainder first", 10, [333, 333, 334], [3, 3, 4]),
        ("less than one unit each", 2, [1, 1, 1, 1], [1, 1, 0, 0]),
        ("no weight at all is an even split", 5, [0, 0], [3, 2]),
        ("a line that is free takes no discount", 999, [0, 500, 500], [0, 500, 499]),
        ("one share", 7, [3], [7]),
        ("nothing", 0, [1, 2], [0, 0]),
    ],
)
def test_known_splits(_case, amount, weights, shares):
    assert allocate(amount, weights) == shares


@pytest.mark.parametrize("_case, weights", [("none", []), ("negative", [1, -1])])
def test_impossible_weights_raise(_case, weights):
    with pytest.raises(ValueError, match="cannot be"):
        allocate(100, weights)


@pytest.mark.parametrize(
    "amount, currency, minor",
    [
        ("0.005", "CNY", 1),
        ("-0.005", "CNY", -1),
        ("0.0049999", "CNY", 0),
        ("1.005", "CNY", 101),
        ("2.675", "CNY", 268),
        ("12.34", "CNY", 1234),
        ("0.5", "JPY", 1),
        ("1234", "JPY", 1234),
        ("1.2345", "KWD", 1235),
        ("99999999999999.995", "CNY", 10**16),
    ],
)
def test_half_a_unit_is_rounded_away_from_zero(amount, currency, minor):
    assert to_minor(Decimal(amount), currency) == minor


@given(AMOUNTS, st.sampled_from(["CNY", "USD", "JPY", "KWD"]))
def test_minor_units_survive_the_way_to_decimals_and_back(amount, currency):
    decimal = to_decimal(amount, currency)

    assert to_minor(decimal, currency) == amount
    assert -decimal.as_tuple().exponent == exponent(currency)


@pytest.mark.parametrize(
    "amount, currency, text", [(-5, "CNY", "-0.05"), (1200, "CNY", "12.00"), (1200, "JPY", "1200"), (1, "KWD", "0.001")]
)
def test_money_as_json_has_all_decimals_of_its_currency(amount, currency, text):
    assert Money(amount, currency).as_json() == {"amount": text, "currency": currency}
