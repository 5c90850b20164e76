"""Instants are aware; a business day is a day of the channel's own zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfoNotFoundError

import pytest

from tongpan.core.clock import business_day, utc_now, zone


@pytest.mark.parametrize(
    "_case, at, zone_name, day",
    [
        ("before midnight in Shanghai", "2026-11-18T15:59:59.999999+00:00", "Asia/Shanghai", date(2026, 11, 18)),
        ("midnight in Shanghai", "2026-11-18T16:00:00+00:00", "Asia/Shanghai", date(2026, 11, 19)),
        ("the same instant in UTC", "2026-11-18T16:00:00+00:00", "UTC", date(2026, 11, 18)),
        ("given in another zone", "2026-11-19T00:30:00+09:00", "Asia/Shanghai", date(2026, 11, 18)),
        ("summer time of London", "2026-07-01T23:30:00+00:00", "Europe/London", date(2026, 7, 2)),
        ("winter time of London", "2026-12-01T23:30:00+00:00", "Europe/London", date(2026, 12, 1)),
    ],
)
def test_business_day_is_that_of_the_zone(_case, at, zone_name, day):
    assert business_day(datetime.fromisoformat(at), zone_name) == day


def test_now_is_aware_and_in_utc():
    now = utc_now()

    assert now.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone(timedelta(hours=8))) - now) < timedelta(seconds=5)
    assert now.tzinfo is UTC


def test_an_unknown_zone_is_refused():
    with pytest.raises(ZoneInfoNotFoundError):
        zone("Asia/Nowhere")
