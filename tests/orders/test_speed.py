"""Processing times and dispatches per hour, against figures worked out by hand."""

from datetime import date, timedelta

import pytest
from tests.support.company import NOW, order, paid
from tests.support.intake import take

from tongpan.orders.queries.speed import processing_times

pytestmark = pytest.mark.usefixtures("company")
PAID = NOW - timedelta(days=1)
TODAY = date(2026, 11, 18)


def left(number, hours, **more):
    return paid(number, paid_at=PAID, placed_at=PAID, dispatched_at=PAID + timedelta(hours=hours), **more)


def of(rows, channel):
    return next(row for row in rows if row.channel == channel)


def test_times_are_from_payment_to_dispatch_by_channel_and_over_all():
    take(
        left("1", 1),
        left("2", 2),
        left("3", 6),
        left("4", 11, shop_code="mall"),
        paid("waiting", paid_at=PAID, placed_at=PAID),
        order("unpaid", placed_at=PAID),
        order("cancelled", placed_at=PAID, cancelled_at=NOW),
        left("slow", 20, shop_code="mall"),
    )

    rows = processing_times(TODAY - timedelta(days=1), TODAY)

    tmall = of(rows, "tmall")
    assert (tmall.orders, tmall.mean, tmall.median) == (3, 3.0, 2.0)
    assert tmall.p90 == pytest.approx(5.2)
    assert [row.channel for row in rows] == ["", "own", "tmall"]
    assert (of(rows, "").orders, of(rows, "").mean) == (5, pytest.approx(8.0))
    assert processing_times(TODAY, TODAY + timedelta(days=1))[0].orders == 0


def test_dispatches_are_counted_by_the_hours_in_which_any_left_and_by_their_promise():
    take(
        left("1", 1, promised_at=PAID + timedelta(hours=1)),
        left("2", 1.25, promised_at=PAID + timedelta(hours=1)),
        left("3", 5),
    )

    (tmall,) = [row for row in processing_times(TODAY - timedelta(days=1), TODAY) if row.channel == "tmall"]

    assert (tmall.dispatched, tmall.hours, tmall.per_hour) == (3, 2, 1.5)
    assert (tmall.promised, tmall.kept, tmall.on_time) == (2, 1, 0.5)


def test_goods_that_leave_before_they_are_paid_have_no_processing_time():
    take(left("1", -3), left("2", 4))

    row = processing_times(TODAY - timedelta(days=1), TODAY)[0]

    assert (row.orders, row.mean, row.dispatched) == (1, 4.0, 2)


def test_nothing_is_made_up_where_nothing_left():
    (row,) = processing_times(TODAY, TODAY + timedelta(days=1))

    assert (row.mean, row.median, row.per_hour, row.on_time) == (None, None, None, None)
