"""A number beside the one before it, and over time without gaps."""

from datetime import date

import pytest
from tests.support.books import Books, Sale
from tests.support.lake import write_lake

from tongpan.analytics.queries import Point, compare, series
from tongpan.core.errors import Refusal

# NOW is 18 November; 17 days ago is 1 November.
BOOKS = Books(
    [
        Sale("1", "tm", 3, (("A", 1, 1000),), "ann"),
        Sale("2", "tm", 3, (("A", 1, 2000),), "bob"),
        Sale("3", "mall", 12, (("A", 1, 500),), "ann"),
        Sale("4", "tm", 40, (("A", 1, 2000),), "ann"),
    ],
    returns=[("tm", 2, 300), ("tm", 40, 1000)],
)
pytestmark = pytest.mark.usefixtures("company")
NOVEMBER = {"date_from": date(2026, 11, 1), "date_to": date(2026, 12, 1)}


@pytest.fixture(autouse=True)
def books(company):
    BOOKS.enter()
    write_lake()


def test_a_month_is_compared_with_the_month_before():
    found = compare(["gmv", "orders", "aov", "return_rate", "repurchase_rate"], **NOVEMBER)

    assert {key: (c.now.value, c.before.value, c.judgement) for key, c in found.items()} == {
        "gmv": ("35.00", "20.00", "better"),
        "orders": (3, 1, "better"),
        "aov": ("11.67", "20.00", "worse"),
        "return_rate": (300 / 3500, 0.5, "better"),
        "repurchase_rate": (0.5, 0.0, "better"),
    }
    assert found["gmv"].change == 0.75
    # The change of a ratio is in percentage points.
    assert found["return_rate"].change == 300 / 3500 - 0.5
    assert (found["gmv"].previous_from, found["gmv"].previous_to) == (date(2026, 10, 1), date(2026, 11, 1))


def test_a_change_from_nothing_is_not_defined():
    (comparison,) = compare(["gmv"], date_from=date(2026, 11, 15), date_to=date(2026, 11, 17)).values()

    assert (comparison.now.value, comparison.before.value) == ("30.00", "0.00")
    assert (comparison.change, comparison.judgement) == (None, "unknown")


def test_no_change_is_the_same():
    (comparison,) = compare(["orders"], date_from=date(2026, 12, 1), date_to=date(2026, 12, 2)).values()
    assert (comparison.change, comparison.judgement) == (None, "unknown")

    (comparison,) = compare(["return_rate"], date_from=date(2026, 11, 6), date_to=date(2026, 11, 7)).values()
    assert (comparison.now.value, comparison.before.value, comparison.change) == (0.0, None, None)


def test_shares_have_no_single_number_to_compare():
    with pytest.raises(Refusal, match="has a value per group"):
        compare(["gmv_share"], **NOVEMBER)


def test_a_series_has_every_period_and_marks_the_one_that_may_grow():
    assert series("gmv", "month", date_from=date(2026, 9, 1), date_to=date(2026, 12, 1)) == {
        (): [
            Point("2026-09", "0.00", 0, True),
            Point("2026-10", "20.00", 2000, True),
            Point("2026-11", "35.00", 3500, False),
        ]
    }


def test_a_series_of_a_ratio_is_not_defined_where_there_is_no_base():
    found = series("aov", "week", date_from=date(2026, 11, 2), date_to=date(2026, 11, 20), by=["channel"])

    assert {group: [(p.period, p.value) for p in points] for group, points in found.items()} == {
        ("own",): [("2026-W45", "5.00"), ("2026-W46", None), ("2026-W47", None)],
        ("tmall",): [("2026-W45", None), ("2026-W46", "15.00"), ("2026-W47", None)],
    }


def test_a_series_without_any_row_still_has_its_periods():
    found = series("orders", "year", date_from=date(2020, 1, 1), date_to=date(2022, 1, 1))

    assert found == {(): [Point("2020", 0, None, True), Point("2021", 0, None, True)]}
