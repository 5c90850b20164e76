from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tongpan.console import formats


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (123456, "CNY", "¥1,234.56"),
        (-5, "CNY", "−¥0.05"),
        (0, "GBP", "£0.00"),
        (1234, "JPY", "JP¥1,234"),
        (1234, "KWD", "KWD 1.234"),
        (None, "CNY", "—"),
    ],
)
def test_money_shows_symbol_sign_and_all_decimals_of_its_currency(amount_minor, currency, text):
    assert formats.money(amount_minor, currency) == text


def test_numbers_are_grouped_and_a_missing_one_is_a_dash():
    assert formats.number(1234567) == "1,234,567"
    assert formats.number(-1200) == "−1,200"
    assert formats.number(Decimal("2.345"), 1) == "2.3"
    assert formats.number(None) == "—"


def test_a_share_is_written_as_percent():
    assert formats.percent(Decimal("0.1234")) == "12.3%"
    assert formats.percent(Decimal("-0.05"), 0) == "−5%"
    assert formats.percent(None) == "—"


def test_an_instant_is_told_in_the_zone_of_its_channel():
    at = datetime(2026, 11, 18, 16, 5, 9, tzinfo=UTC)

    assert formats.stamp(at, "Asia/Shanghai") == "2026-11-19 00:05"
    assert formats.stamp(at, "America/Sao_Paulo", seconds=True) == "2026-11-18 13:05:09"
    assert formats.stamp(None) == "—"
    assert formats.day(date(2026, 11, 18)) == "2026-11-18"


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2.0 MB"), (3 * 10**9, "3.0 GB")]
)
def test_file_sizes_are_in_powers_of_ten(size, text):
    assert formats.file_size(size) == text
