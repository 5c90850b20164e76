"""How demand goes on, and what to order for it."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.forecasting.demand.engine import (
    Aims,
    Forecast,
    days_of,
    demand_of,
    forecast,
    outlook,
)

MONDAY = 0
STEADY = Forecast("level", (10.0,) * 7, 0.0, 0.0, 8)


def test_steady_demand_goes_on_as_it_was():
    assert forecast([10] * 60, MONDAY) == Forecast("level", (10.0,) * 7, 0.0, 0.0, 6)


def test_weekends_that_sell_more_are_expected_to_sell_more():
    made = forecast([20 if day % 7 > 4 else 5 for day in range(140)], MONDAY)

    assert made is not None
    assert made.method == "weekday"
    assert made.week[:5] == pytest.approx([5] * 5, rel=0.15)
    assert made.week[5:] == pytest.approx([20] * 2, rel=0.15)


def test_the_week_of_the_forecast_begins_with_the_day_after_the_last():
    made = forecast([20 if day % 7 > 4 else 5 for day in range(142)], MONDAY)

    assert made is not None
    assert [units > 10 for units in made.week] == [False, False, False, True, True, False, False]  # from Wednesday on


def test_units_that_go_now_and_then_are_spread_over_the_days():
    chance = random.Random(4)
    days = [6 if chance.random() < 0.1 else 0 for _ in range(180)]

    made = forecast(days, MONDAY)

    assert made is not None
    assert sum(made.week) == pytest.approx(sum(days) / 180 * 7, rel=0.6)
    assert made.weekly_error > 0


def test_goods_that_nobody_asks_for_any_more_are_expected_to_lie():
    made = forecast([4] * 30 + [0] * 90, MONDAY)

    assert made is not None
    assert sum(made.week) < 0.3


def test_days_without_goods_say_nothing_about_demand():
    sold = [10] * 30
    assert forecast([*sold, *[None] * 20, *sold], MONDAY) == forecast([*sold, *sold], (MONDAY + 20) % 7)
    emptied = forecast([*sold, *[0] * 20, *sold], MONDAY)
    assert emptied is not None
    assert sum(emptied.week) < 70


@pytest.mark.parametrize("days", [[], [5] * 27, [None] * 100, [None] * 50 + [5] * 27])
def test_too_little_history_is_no_forecast(days):
    assert forecast(days, MONDAY) is None


def test_28_observed_days_are_enough():
    made = forecast([None] * 9 + [3] * 28, MONDAY)

    assert made is not None
    assert made.week == (3.0,) * 7


@given(st.lists(st.one_of(st.none(), st.integers(0, 500)), min_size=28, max_size=90), st.integers(0, 6))
def test_a_forecast_is_never_negative_nor_above_what_was_ever_asked_for(days, weekday):
    made = forecast(days, weekday)

    if made is not None:
        most = max(units for units in days if units is not None)
        assert all(0 <= units <= 7 * most + 1e-6 for units in made.week)
        assert made.weekly_error >= 0
        assert made.wape is None or made.wape >= 0


def test_demand_of_whole_and_broken_weeks():
    made = Forecast("weekday", (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0), 0.0, None, 0)

    assert demand_of(made, 0) == 0
    assert demand_of(made, 3) == 6
    assert demand_of(made, 17) == 2 * 28 + 6


@given(st.lists(st.floats(0, 50), min_size=7, max_size=7), st.integers(0, 5000))
def test_units_last_until_the_day_on_which_that_many_are_expected(week, units):
    made = Forecast("level", tuple(week), 0.0, None, 0)

    days = days_of(made, units)

    if days is None:
        assert sum(week) <= 1e-9
    else:
        assert demand_of(made, math.floor(days)) <= units + 1e-6
        assert demand_of(made, math.floor(days) + 1) >= units - 1e-6


AIMS = Aims(lead_days=7, review_days=7, service=0.5, max_days=90)


@pytest.mark.parametrize(
    ("free", "on_order", "state", "to_order", "left_over"),
    [
        (0, 0, "short", 140, 0),
        (69, 0, "short", 71, 0),
        (70, 0, "order", 70, 0),
        (139, 0, "order", 1, 0),
        (140, 0, "normal", 0, 0),
        (60, 80, "normal", 0, 0),
        (900, 0, "normal", 0, 0),
        (901, 0, "slow", 0, 1),
    ],
)
def test_stock_is_judged_against_what_is_expected(free, on_order, state, to_order, left_over):
    seen = outlook(STEADY, free, on_order, AIMS)

    assert (seen.state, seen.to_order, seen.left_over) == (state, to_order, left_over)
    assert seen.expected == 140
    assert seen.order_point == 140
    assert seen.days_left == free / 10


def test_the_safety_stock_follows_error_and_service_level():
    # 1.6449 standard deviations of a week, over two weeks
    made = Forecast("level", (10.0,) * 7, 12.0, 0.1, 8)

    assert outlook(made, 0, 0, Aims(7, 7, 0.95)).order_point == math.ceil(140 + 1.6448536 * 12 * math.sqrt(2))
    assert outlook(made, 0, 0, Aims(7, 7, 0.5)).order_point == 140


def test_stock_that_nobody_asks_for_is_left_over_for_good():
    nobody = Forecast("level", (0.0,) * 7, 0.0, None, 8)

    seen = outlook(nobody, 30, 0, AIMS)

    assert (seen.state, seen.days_left, seen.to_order, seen.left_over) == ("slow", None, 0, 30)


def test_without_a_forecast_nothing_is_said_and_nothing_ordered():
    seen = outlook(None, 30, 0, AIMS)

    assert (seen.state, seen.days_left, seen.to_order, seen.left_over) == ("unknown", None, 0, 0)
