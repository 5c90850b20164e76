"""Calendar keys, labels, and the periods between two days."""

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.analytics.engine.calendar import GRAINS, Period, key_of, label, parse, periods, previous_range

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("grain", "key", "text"),
    [
        ("day", 20261118, "2026-11-18"),
        ("week", 202647, "2026-W47"),
        ("month", 202611, "2026-11"),
        ("quarter", 20264, "2026-Q4"),
        ("year", 2026, "2026"),
    ],
)
def test_a_day_has_a_key_and_a_label_of_each_grain(grain, key, text):
    assert key_of(grain, date(2026, 11, 18)) == key
    assert label(grain, key) == text
    assert parse(grain, text) == key


@pytest.mark.parametrize(
    ("grain", "text"),
    [
        ("day", "2026-02-30"),
        ("week", "2026-W60"),
        ("month", "2026-13"),
        ("quarter", "2026-Q5"),
        ("year", "26"),
        ("day", ""),
    ],
)
def test_what_is_no_period_is_refused(grain, text):
    with pytest.raises(ValueError, match=r"."):
        parse(grain, text)


@given(DAYS)
def test_labels_sort_as_time_and_read_back(day):
    for grain in GRAINS:
        key = key_of(grain, day)
        assert parse(grain, label(grain, key)) == key


@given(DAYS, st.integers(1, 500), st.sampled_from(GRAINS))
def test_periods_join_without_gap_and_cover_the_range(first, length, grain):
    day_to = date.fromordinal(first.toordinal() + length)

    found = periods(grain, first, day_to)

    assert found[0].first <= first < found[0].end
    assert found[-1].first < day_to <= found[-1].end
    assert all(one.end == other.first for one, other in itertools.pairwise(found))
    assert [key_of(grain, period.first) for period in found] == [period.key for period in found]


def test_an_empty_range_has_no_periods():
    assert periods("month", date(2026, 11, 1), date(2026, 11, 1)) == []
    assert periods("month", date(2026, 11, 30), date(2026, 12, 1)) == [
        Period(202611, date(2026, 11, 1), date(2026, 12, 1))
    ]


@pytest.mark.parametrize(
    ("_case", "asked", "before"),
    [
        ("a week", ("2026-11-12", "2026-11-19"), ("2026-11-05", "2026-11-12")),
        ("a month of 30 days", ("2026-11-01", "2026-12-01"), ("2026-10-01", "2026-11-01")),
        ("a quarter", ("2026-01-01", "2026-04-01"), ("2025-10-01", "2026-01-01")),
        ("part of a month", ("2026-11-01", "2026-11-19"), ("2026-10-14", "2026-11-01")),
    ],
)
def test_the_period_before(_case, asked, before):
    assert previous_range(*map(date.fromisoformat, asked)) == tuple(map(date.fromisoformat, before))
