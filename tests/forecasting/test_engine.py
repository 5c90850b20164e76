"""How long stock lasts, and how scarce stock is shared out."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.forecasting.engine import Claim, Limits, Supply, fair_share, supply_of

LIMITS = Limits(window=28, max_days=90, slow_days=60)


@pytest.mark.parametrize(
    ("units", "sold", "idle", "expected"),
    [
        (0, 5, 1, Supply("out", Fraction(0), 0)),
        (0, 0, 400, Supply("out", None, 0)),
        (10, 0, 59, Supply("normal", None, 0)),
        (10, 0, 60, Supply("slow", None, 10)),
        (90, 28, 1, Supply("normal", Fraction(90), 0)),
        (91, 28, 1, Supply("overstock", Fraction(91), 1)),
        # three in four weeks: 9.64 units last 90 days, so ten are kept
        (100, 3, 2, Supply("overstock", Fraction(2800, 3), 90)),
    ],
)
def test_the_state_of_supply(units, sold, idle, expected):
    assert supply_of(units, sold, idle, LIMITS) == expected


def test_scarce_units_go_where_goods_run_out_first():
    # given A would last 10 days, B 2 days, at one unit a day each
    claims = [Claim(1, have=10, sold=28), Claim(2, have=2, sold=28)]

    assert fair_share(6, claims, window=28, target_days=30) == {2: 6}
    # then both are raised together
    assert fair_share(12, claims, window=28, target_days=30) == {1: 2, 2: 10}


def test_nobody_is_raised_above_the_target():
    claims = [Claim(1, have=10, sold=28), Claim(2, have=2, sold=28)]

    assert fair_share(1000, claims, window=28, target_days=30) == {1: 20, 2: 28}
    assert fair_share(1000, [Claim(1, have=50, sold=28)], window=28, target_days=30) == {}


def test_a_place_without_sales_gets_nothing():
    assert fair_share(10, [Claim(1, 0, 0), Claim(2, 0, 1)], window=28, target_days=280) == {2: 10}
    assert fair_share(10, [Claim(1, 0, 0)], window=28, target_days=280) == {}
    assert fair_share(0, [Claim(1, 0, 5)], window=28, target_days=280) == {}


def test_equal_claims_share_by_largest_remainder_and_key():
    assert fair_share(5, [Claim(3, 0, 7), Claim(1, 0, 7), Claim(2, 0, 7)], window=28, target_days=280) == {
        1: 2,
        2: 2,
        3: 1,
    }


claims_of_any_kind = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), min_size=1, max_size=8).map(
    lambda rows: [Claim(key, have, sold) for key, (have, sold) in enumerate(rows)]
)


@given(supply=st.integers(0, 2000), claims=claims_of_any_kind, target=st.integers(1, 200))
def test_never_more_than_there_is_and_no_unit_could_move_to_a_place_that_needs_it_more(supply, claims, target):
    shares = fair_share(supply, claims, window=28, target_days=target)

    assert sum(shares.values()) <= supply
    got = {c.key: c.have + shares.get(c.key, 0) for c in claims}
    for giver in claims:
        if not shares.get(giver.key):
            continue
        # a receiver stays within one unit of the target
        assert got[giver.key] * 28 <= target * giver.sold + 28
        for other in claims:
            if other.sold and other.key != giver.key:
                less = Fraction(got[giver.key] - 1, giver.sold)
                assert Fraction(got[other.key] + 1, other.sold) >= less


@given(claims=claims_of_any_kind, supply=st.integers(0, 2000))
def test_the_order_of_the_claims_does_not_matter(claims, supply):
    shares = fair_share(supply, claims, window=28, target_days=60)

    assert fair_share(supply, claims[::-1], window=28, target_days=60) == shares
