"""When a rule is open: to the millisecond, by the zone of the book, and the same after writing and reading."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.promotions import book_of, cart_of, line, price, rule, why

from tongpan.core.clock import zone
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.writing import write_rulebook

SHANGHAI = zone("Asia/Shanghai")
CART = cart_of(line(1, "A", 1000))


def at(text, zone_name="Asia/Shanghai"):
    return datetime.fromisoformat(text).replace(tzinfo=zone(zone_name))


def is_open(book, instant):
    return price(book, CART, at=instant).total_minor == 900


def window_of(**words):
    return book_of(rule("r", "percent", {"percent": 10}, window=words))


def test_an_offer_until_a_date_is_in_at_23_59_59_999_and_out_at_24_00_in_shanghai():
    book = window_of(starts_at="2026-06-16", ends_at="2026-06-18")

    assert is_open(book, at("2026-06-18T23:59:59.999"))
    assert not is_open(book, at("2026-06-19T00:00"))
    assert is_open(book, at("2026-06-16T00:00"))
    assert not is_open(book, at("2026-06-15T23:59:59.999999"))
    assert is_open(book, datetime(2026, 6, 18, 15, 59, 59, 999000, tzinfo=UTC))
    assert not is_open(book, datetime(2026, 6, 18, 16, tzinfo=UTC))


def test_times_and_dates_without_an_offset_are_those_of_the_zone():
    tokyo = window_of(starts_at="2026-06-18T20:00", zone="Asia/Tokyo")
    fixed = window_of(starts_at="2026-06-18T20:00:00Z")

    assert is_open(tokyo, at("2026-06-18T19:00"))
    assert not is_open(tokyo, at("2026-06-18T18:59:59"))
    assert is_open(fixed, datetime(2026, 6, 18, 20, tzinfo=UTC))
    assert not is_open(fixed, datetime(2026, 6, 18, 19, 59, tzinfo=UTC))


def test_every_wednesday_evening():
    book = window_of(weekly=[{"days": ["wed"], "from": "20:00", "to": "24:00"}])

    assert is_open(book, at("2026-06-17T20:00"))
    assert is_open(book, at("2026-06-17T23:59:59.999"))
    assert not is_open(book, at("2026-06-18T00:00"))
    assert not is_open(book, at("2026-06-17T19:59:59"))
    assert not is_open(book, at("2026-06-16T21:00"))


def test_weekends_and_listed_dates():
    book = window_of(weekly=[{"days": ["sat", "sun"]}], dates=["2026-06-18", {"date": "2026-06-19", "to": "12:00"}])

    days = ["2026-06-17T12:00", "2026-06-18T12:00", "2026-06-19T11:59", "2026-06-19T12:00", "2026-06-20T03:00"]
    assert [is_open(book, at(day)) for day in days] == [False, True, True, False, True]
    assert why(price(book, CART, at=at(days[0])), "r") == ("not_at_this_time", {"zone": "Asia/Shanghai"})


def test_a_day_with_a_change_of_clocks_is_a_whole_day():
    book = window_of(starts_at="2026-03-08", ends_at="2026-03-08", zone="America/New_York")
    start = at("2026-03-08T00:00", "America/New_York").astimezone(UTC)

    assert is_open(book, start)
    assert is_open(book, start + timedelta(hours=22, minutes=59))
    assert not is_open(book, start + timedelta(hours=23))


@pytest.mark.parametrize("zone_name", ["Asia/Shanghai", "America/New_York", "Europe/Berlin"])
def test_writing_and_reading_never_moves_an_instant(zone_name):
    window = {"starts_at": "2026-10-25", "ends_at": "2026-11-01", "zone": zone_name}
    document = {"zone": "Asia/Tokyo", "rules": [rule("r", "percent", {"percent": 12.5}, window=window)]}

    first = read_rulebook(document, "1")
    again = first
    for _ in range(3):
        again = read_rulebook(write_rulebook(again), "1")

    assert again == first
    assert write_rulebook(again) == write_rulebook(first)


def test_an_instant_without_a_zone_is_a_defect_of_the_caller():
    with pytest.raises(ValueError, match="no time zone"):
        price(window_of(), CART, at=datetime(2026, 6, 18))


def test_many_windows_are_found_as_if_each_were_asked():
    rules = []
    for n in range(60):
        window = {"starts_at": f"2026-06-{1 + n % 20:02}", "ends_at": f"2026-06-{3 + n % 25:02}"}
        rules.append(rule(f"r{n}", "percent", {"percent": 1 + n % 30}, window=window))
    rules = [one for one in rules if one["window"]["ends_at"] >= one["window"]["starts_at"]]
    book = book_of(*rules)

    for hour in range(0, 24 * 28, 5):
        instant = datetime(2026, 6, 1, tzinfo=SHANGHAI) + timedelta(hours=hour)
        day = instant.date().isoformat()
        best = 0
        for one in rules:
            if one["window"]["starts_at"] <= day <= one["window"]["ends_at"]:
                best = max(best, one["benefit"]["percent"])
        assert price(book, CART, at=instant).total_minor == 1000 - 10 * best
