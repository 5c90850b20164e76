"""When a place is open, counted in its own time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.core.errors import Refusal
from tongpan.network.engine import Hours
from tongpan.network.hour_texts import read_special, read_week, write_special, write_week

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = (time(9), time(21))
SHOP = Hours(
    dict.fromkeys(range(5), (DAY,)) | {5: ((time(10), time(13)), (time(14), time(18)))},
    {date(2026, 10, 1): (), date(2026, 10, 4): ((time(12), time(16)),)},
)
BAR = Hours({4: ((time(18), time(2)),), 5: ((time(0), time(4)),)})


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("hours", "text", "is_open"),
    [
        (SHOP, "2026-09-28 08:59", False),
        (SHOP, "2026-09-28 09:00", True),
        (SHOP, "2026-09-28 20:59", True),
        (SHOP, "2026-09-28 21:00", False),
        (SHOP, "2026-10-03 13:30", False),
        (SHOP, "2026-10-01 12:00", False),  # a special day that is closed
        (SHOP, "2026-10-04 13:00", True),  # a Sunday that is open for once
        (SHOP, "2026-10-11 13:00", False),
        (BAR, "2026-10-02 23:59", True),
        (BAR, "2026-10-03 01:59", True),
        (BAR, "2026-10-03 03:59", True),
        (BAR, "2026-10-03 04:00", False),
        (BAR, "2026-10-02 01:00", False),
        (Hours(), "2026-10-02 03:00", True),
        (Hours(special={date(2026, 10, 1): ()}), "2026-10-01 12:00", False),
        (Hours(special={date(2026, 10, 1): ()}), "2026-10-02 00:00", True),
        (Hours({0: ((time(0), time(0)),)}), "2026-10-05 23:59", True),
        (Hours({0: ((time(0), time(0)),)}), "2026-10-06 00:00", False),
    ],
)
def test_a_place_is_open_within_its_hours_only(hours, text, is_open):
    assert hours.is_open(at(text)) is is_open


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("2026-09-28 10:00", "2026-09-28 10:00"),
        ("2026-09-28 21:00", "2026-09-29 09:00"),
        ("2026-09-30 21:00", "2026-10-02 09:00"),
        ("2026-10-03 13:00", "2026-10-03 14:00"),
        ("2026-10-10 18:00", "2026-10-12 09:00"),
    ],
)
def test_the_next_opening_is_found_over_closed_days(text, opens):
    assert SHOP.next_open(at(text)) == at(opens)


def test_a_place_that_never_opens_has_no_next_opening_and_a_bounded_deadline():
    never = Hours({0: ((time(9), time(10)),)}, {date(2026, 1, 5) + timedelta(7 * n): () for n in range(110)})

    assert never.next_open(at("2026-01-01 00:00")) is None
    assert never.add_open_minutes(at("2026-01-01 00:00"), 30) == at("2026-01-01 00:00") + timedelta(370)
    assert never.working_day(at("2026-01-01 00:00")) == date(2026, 1, 1)


def test_minutes_are_counted_while_the_place_is_open():
    assert SHOP.add_open_minutes(at("2026-09-28 20:30"), 120) == at("2026-09-29 10:30")
    assert SHOP.add_open_minutes(at("2026-09-28 20:30"), 30) == at("2026-09-28 21:00")
    assert SHOP.add_open_minutes(at("2026-09-30 20:00"), 90) == at("2026-10-02 09:30")
    assert SHOP.add_open_minutes(at("2026-10-01 12:00"), 0) == at("2026-10-01 12:00")
    assert Hours().add_open_minutes(at("2026-10-01 12:00"), 3000) == at("2026-10-03 14:00")
    assert SHOP.open_minutes_between(at("2026-09-28 20:30"), at("2026-09-29 10:30")) == 120
    assert BAR.open_minutes_between(at("2026-10-02 00:00"), at("2026-10-04 00:00")) == 600
    assert SHOP.open_minutes_between(at("2026-09-29 10:30"), at("2026-09-28 20:30")) == 0


def test_the_hour_that_a_clock_skips_or_repeats_is_counted_as_it_passes():
    night = Hours({6: ((time(0), time(6)),)}, zone_name="Europe/Berlin")
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)

    for day, minutes in ((spring, 300), (autumn, 420), (date(2026, 6, 7), 360)):
        midnight = datetime.combine(day, time(), ZoneInfo("Europe/Berlin"))
        assert night.open_minutes_between(midnight, midnight + timedelta(1)) == minutes


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-09-28 16:59", date(2026, 9, 28)),
        ("2026-09-28 17:00", date(2026, 9, 29)),
        ("2026-09-30 17:00", date(2026, 10, 2)),
        ("2026-10-11 08:00", date(2026, 10, 12)),
    ],
)
def test_what_comes_after_the_cut_off_counts_for_the_next_opening_day(text, day):
    assert SHOP.working_day(at(text), time(17)) == day


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
WEEKS = st.dictionaries(st.integers(0, 6), st.tuples(st.tuples(TIMES, TIMES)), min_size=1)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
)


@settings(max_examples=60, deadline=None)
@given(WEEKS, st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]), INSTANTS, st.integers(1, 5000))
def test_a_deadline_lies_just_as_many_open_minutes_ahead(week, zone_name, moment, minutes):
    hours = Hours(week, zone_name=zone_name)

    deadline = hours.add_open_minutes(moment, minutes)

    if deadline < moment + timedelta(369):
        assert hours.open_minutes_between(moment, deadline) == minutes
        assert hours.is_open(deadline - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("mon-tue 9:00-12:00,13:00-21:00", "mon 09:00-12:00, 13:00-21:00; tue 09:00-12:00, 13:00-21:00"),
        ("周六、周日 10:00-24:00", "sat 10:00-24:00; sun 10:00-24:00"),
        ("fri-mon 18:00-02:00", "mon 18:00-02:00; fri 18:00-02:00; sat 18:00-02:00; sun 18:00-02:00"),
        ("", ""),
    ],
)
def test_hours_are_read_as_people_write_them(text, written):
    assert write_week(read_week(text)) == written
    assert read_week(written) == read_week(text)


def test_special_days_are_read_and_written():
    text = "2026-10-01 closed\n2026-10-02 12:00-16:00"

    assert write_special(read_special(text.replace("\n", "; "))) == text


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_week, "mon"),
        (read_week, "someday 09:00-12:00"),
        (read_week, "mon 9-12"),
        (read_week, "mon 25:00-26:00"),
        (read_week, "mon 20:00-24:30"),
        (read_special, "1 October closed"),
    ],
)
def test_what_is_no_opening_is_refused(read, text):
    with pytest.raises(Refusal) as refused:
        read(text)

    assert refused.value.code == "hours.text"
