"""The clocks of a pickup and of a parcel, with and without the hours of the store."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tongpan.core.errors import Refusal
from tongpan.fulfillment.promises import (
    Clocks,
    accept_by,
    collect_until,
    minutes_taken,
    parse_clocks,
    ready_by,
    remind_at,
    ship_by,
)
from tongpan.network.hours import Hours

SHANGHAI = ZoneInfo("Asia/Shanghai")
ALWAYS = Hours()
SHOP = Hours({day: ((time(10), time(22)),) for day in range(7)})
PAUSING = Clocks(pause_outside_hours=True)


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def test_by_default_a_pickup_is_ready_after_two_hours_and_a_parcel_there_after_a_day():
    assert ready_by(at(18, 21), SHOP, Clocks()) == at(18, 23)
    assert ship_by(at(18, 21), SHOP, Clocks()) == at(19, 21)


def test_when_the_setting_says_so_hours_in_which_the_store_is_closed_do_not_count():
    assert ready_by(at(18, 21), SHOP, PAUSING) == at(19, 11)
    assert ready_by(at(18, 23), SHOP, PAUSING) == at(19, 12)
    assert ship_by(at(18, 21), SHOP, PAUSING) == at(20, 21)
    assert ready_by(at(18, 21), ALWAYS, PAUSING) == at(18, 23)


def test_a_store_accepts_in_its_hours_but_not_beyond_the_promise():
    # open for another 30 minutes tonight, then from 10 on
    assert accept_by(at(18, 21, 30), 60, SHOP, at(19, 21)) == at(19, 10, 30)
    # by then the promise would be broken: the clock runs now, and another node can keep it
    assert accept_by(at(18, 21, 30), 60, SHOP, at(18, 23, 30)) == at(18, 22, 30)
    assert accept_by(at(18, 21, 30), 60, SHOP, None) == at(19, 10, 30)


def test_time_taken_is_measured_by_the_same_clock():
    assert minutes_taken(at(18, 21), at(19, 11), SHOP, Clocks()) == 14 * 60
    assert minutes_taken(at(18, 21), at(19, 11), SHOP, PAUSING) == 120
    assert minutes_taken(at(18, 21), at(18, 20), SHOP, Clocks()) == 0


def test_a_pickup_waits_for_days_and_its_buyer_is_reminded_before_they_end():
    until = collect_until(at(18, 12), Clocks(keep_days=7))

    assert until == at(25, 12)
    assert remind_at(until, Clocks(remind_hours=48)) == at(23, 12)
    assert until - remind_at(until, Clocks()) == timedelta(days=2)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"pickup": 1}, "clocks.unknown"),
        ({"pickup_minutes": 0}, "clocks.range"),
        ({"ship_hours": True}, "clocks.range"),
        ({"ship_clock": "packed"}, "clocks.choice"),
        ({"after_expiry": "burn"}, "clocks.choice"),
        ({"pause_outside_hours": 1}, "clocks.choice"),
    ],
)
def test_clocks_that_make_no_sense_are_refused(values, code):
    with pytest.raises(Refusal) as refused:
        parse_clocks(values)

    assert refused.value.code == code


def test_what_is_not_set_is_the_default():
    assert parse_clocks({}) == Clocks(120, 24, "delivered", False, 7, 48, "hold")
    assert parse_clocks({"ship_clock": "dispatched"}).ship_clock == "dispatched"
