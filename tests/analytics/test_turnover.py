"""Stock turnover: units that left, against the time-weighted average stock."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.company import DAY, NOW, goods, order_ids, paid, put, shipped
from tests.support.intake import take

from tongpan.analytics.queries.turnover import turnover
from tongpan.fulfillment.actions import route

pytestmark = pytest.mark.usefixtures("company")
START, END = NOW - 4 * DAY, NOW


def rows(by):
    return [(r.code, r.units, r.average, r.turnover, r.days) for r in turnover(start=START, end=END, by=by)]


def stock_and_two_sales():
    # given 10 units at sh for the last two of four days, of which 4 leave after the third day
    put("sh", A=10)  # two days before NOW
    take(shipped("1", goods("A", 4), placed_at=NOW - 2 * DAY, dispatched_at=NOW - DAY))
    route(order_ids(["1"]), actor="test", now=NOW)


def test_the_average_is_weighted_by_time():
    stock_and_two_sales()

    # then (0 + 0 + 10 + 6) / 4 days = 4 units on average, all of which left once
    assert rows("total") == [("", 4, Decimal("4.00"), Decimal("1.000"), Decimal("4.0"))]
    assert rows("node") == [("sh", 4, Decimal("4.00"), Decimal("1.000"), Decimal("4.0"))]
    assert rows("category") == [("", 4, Decimal("4.00"), Decimal("1.000"), Decimal("4.0"))]


def test_a_channel_is_measured_against_the_nodes_that_serve_its_shops():
    stock_and_two_sales()

    # then both channels are served by sh; only Tmall sold
    assert rows("channel") == [
        ("own", 0, Decimal("4.00"), Decimal("0.000"), None),
        ("tmall", 4, Decimal("4.00"), Decimal("1.000"), Decimal("4.0")),
    ]


def test_what_happened_before_counts_in_full_and_what_happens_after_does_not():
    stock_and_two_sales()

    later = turnover(start=NOW - timedelta(hours=12), end=NOW)
    before = turnover(start=NOW - 9 * DAY, end=NOW - 5 * DAY)

    assert [(r.units, r.average, r.turnover, r.days) for r in later] == [(0, Decimal("6.00"), Decimal("0.000"), None)]
    assert before == []


def test_allocated_units_have_not_left():
    put("sh", A=10)
    take(paid("1", goods("A", 4)))
    route(order_ids(["1"]), actor="test", now=NOW)

    assert rows("total") == [("", 0, Decimal("5.00"), Decimal("0.000"), None)]


def test_an_empty_period_has_no_turnover():
    stock_and_two_sales()

    assert turnover(start=END, end=END) == []
