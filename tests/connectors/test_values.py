"""Texts become exact numbers and instants, or are refused with a reason; nothing is guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tongpan.connectors.engine.values import day_of, decimal_of, degrees_of, integer_of, plain, time_parser, truth_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.345", "12.345"),
        ("-0.5", "-0.5"),
        ("+3", "3"),
        (".5", "0.5"),
        ("7.", "7"),
        ("1,234,567.89", "1234567.89"),
        ("¥12.50", "12.50"),
        ("12.50元", "12.50"),
        ("１２．５", "12.5"),
        ("999999999999", "999999999999"),
    ],
)
def test_numbers_are_read_exactly(text, number):
    assert decimal_of(text) == Decimal(number)


@pytest.mark.parametrize("text", ["abc", "1e5", "NaN", "inf", "1.2.3", "1,23", "12,34,567", "--1", "5%", "1 2", "٣x"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="not a number"):
        decimal_of(text)


@pytest.mark.parametrize(("text", "reason"), [("1000000000000", "larger"), ("1.5E+18", "rounded")])
def test_absurd_and_rounded_numbers_are_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        decimal_of(text)


def test_a_decimal_comma_is_read_where_the_mapping_declares_it():
    assert decimal_of("1.234,50", has_decimal_comma=True) == Decimal("1234.50")
    with pytest.raises(ValueError, match="not a number"):
        decimal_of("12,50")


def test_quantities_are_whole_and_possible():
    assert integer_of("6") == 6
    assert integer_of("6.0") == 6
    assert integer_of("-74215") == -74215
    for text, reason in (("6.5", "whole"), ("10000001", "larger"), ("six", "number")):
        with pytest.raises(ValueError, match=reason):
            integer_of(text)


def test_equal_prices_look_equal():
    assert repr(plain(Decimal("2.550000"))) == repr(plain(Decimal("2.55")))
    assert repr(plain(Decimal("10.00"))) == "Decimal('10')"
    assert plain(Decimal("1.23456789")) == Decimal("1.234568")


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-28 13:05:00",
        "2025/2/28 13:05",
        "2025-02-28T13:05:00",
        "2025-02-28T13:05:00+08:00",
        "2025-02-28 05:05:00Z",
        "2025-02-28 05:05:00 UTC",
        "2025-02-28 02:05:00 -0300",
        "20250228130500",
        "2025年2月28日 13时05分",
        "2025.02.28 13:05:00.000",
    ],
)
def test_year_first_notations_are_one_instant(text):
    assert time_parser((), SHANGHAI)(text) == datetime(2025, 2, 28, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("20250229", "does not exist"),
        ("2025-13-01", "does not exist"),
        ("2025-02-28 25:00", "does not exist"),
        ("01/02/2025", "unambiguous"),
        ("45000", "unambiguous"),
        ("yesterday", "unambiguous"),
        ("0001-01-01 00:00:00", "outside the years"),
        ("2.02502E+07", "rounded"),
    ],
)
def test_impossible_and_ambiguous_dates_are_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        time_parser((), SHANGHAI)(text)


def test_a_declared_notation_makes_a_day_first_date_readable():
    parse = time_parser(("%d/%m/%Y",), SHANGHAI)

    assert parse("01/02/2025") == datetime(2025, 1, 31, 16, tzinfo=UTC)
    assert parse("2025-02-01") == parse("01/02/2025")


def test_days_degrees_and_truths():
    assert day_of("2026-11-18 10:00") == date(2026, 11, 18)
    assert degrees_of("-23.5456", 90) == -23.5456
    with pytest.raises(ValueError, match="±90"):
        degrees_of("91", 90)
    assert [truth_of(text) for text in ("True", "是", "1", "false", "否", "0")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="neither"):
        truth_of("maybe")
