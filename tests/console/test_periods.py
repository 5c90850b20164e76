from datetime import date, timedelta

import pytest

from tongpan.console.periods import Period, last_complete_end, period_of

HISTORY = (date(2025, 1, 1), date(2026, 11, 19))
TODAY = date(2026, 11, 22)


def test_the_preset_ends_with_the_last_day_that_has_orders():
    period = period_of("7d", None, None, HISTORY, TODAY)

    assert (period.date_from, period.last_day, period.days) == (date(2026, 11, 12), date(2026, 11, 18), 7)


def test_today_is_left_out_because_it_still_grows():
    assert last_complete_end((date(2025, 1, 1), date(2026, 11, 23)), TODAY) == TODAY


def test_on_the_first_day_today_is_all_there_is():
    assert last_complete_end((TODAY, date(2026, 11, 23)), TODAY) == date(2026, 11, 23)
    assert last_complete_end(None, TODAY) == TODAY


@pytest.mark.parametrize("preset", ["", "13d", "x"])
def test_an_unknown_preset_is_thirty_days(preset):
    assert period_of(preset, None, None, HISTORY, TODAY).preset == "30d"


@pytest.mark.parametrize(
    ("day_from", "day_to", "expected"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), (date(2026, 3, 1), date(2026, 4, 1))),
        (date(2026, 3, 1), None, (date(2026, 3, 1), date(2026, 11, 19))),
        (None, date(2026, 3, 31), (date(2025, 1, 1), date(2026, 4, 1))),
        (date(2026, 4, 9), date(2026, 3, 31), (date(2026, 3, 31), date(2026, 4, 1))),
        (date(2027, 1, 1), None, (date(2026, 11, 18), date(2026, 11, 19))),
    ],
)
def test_chosen_days_win_over_a_preset_and_the_last_is_included(day_from, day_to, expected):
    period = period_of("7d", day_from, day_to, HISTORY, TODAY)

    assert (period.date_from, period.date_to, period.preset) == (*expected, "")


@pytest.mark.parametrize(
    ("period", "previous", "weekdays"),
    [
        (
            Period(date(2026, 11, 12), date(2026, 11, 19)),
            Period(date(2026, 11, 5), date(2026, 11, 12)),
            Period(date(2025, 11, 13), date(2025, 11, 20)),
        ),
        (
            Period(date(2026, 10, 20), date(2026, 11, 19)),
            Period(date(2026, 9, 20), date(2026, 10, 20)),
            Period(date(2026, 9, 15), date(2026, 10, 15)),
        ),
        (
            Period(date(2026, 3, 1), date(2026, 4, 1)),
            Period(date(2026, 2, 1), date(2026, 3, 1)),
            Period(date(2026, 1, 25), date(2026, 2, 25)),
        ),
    ],
)
def test_a_period_is_compared_with_the_one_before_and_with_the_same_weekdays(period, previous, weekdays):
    assert period.previous() == previous
    assert period.same_weekdays() == weekdays
    assert period.same_weekdays().date_from.weekday() == period.date_from.weekday()


@pytest.mark.parametrize(("days", "grain"), [(7, "day"), (45, "day"), (46, "week"), (200, "week"), (365, "month")])
def test_a_chart_has_some_thirty_points(days, grain):
    assert Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days)).grain == grain
