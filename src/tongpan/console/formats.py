"""How amounts, counts, shares and times are written, the same on every page and in both languages."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from tongpan.core.money import to_decimal

MINUS = "\u2212"
NOTHING = "—"
_SYMBOLS = {
    "CNY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "BRL": "R$",
    "HKD": "HK$",
    "TWD": "NT$",
    "JPY": "JP¥",
    "KRW": "₩",
}


def _grouped(value: Decimal | int, places: int) -> str:
    sign = MINUS if value < 0 else ""
    return f"{sign}{abs(value):,.{places}f}"


def money(amount_minor: int | None, currency: str) -> str:
    """``amount_minor`` with symbol and all decimals of its currency: ``−¥1,234.50``; a dash for None."""
    if amount_minor is None:
        return NOTHING
    amount = to_decimal(abs(amount_minor), currency)
    sign = MINUS if amount_minor < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{amount:,f}"


def number(value: int | Decimal | None, places: int = 0) -> str:
    """``value`` in groups of three with ``places`` decimals; a dash for None."""
    return NOTHING if value is None else _grouped(value, places)


def percent(ratio: Decimal | float | None, places: int = 1) -> str:
    """A share from 0 to 1 as percent; a dash for None."""
    return NOTHING if ratio is None else f"{_grouped(Decimal(ratio) * 100, places)}%"


def stamp(at: datetime | None, zone: str | None = None, *, seconds: bool = False) -> str:
    """An instant as ``2026-11-18 14:05`` in ``zone`` (default: the console's zone); a dash for None."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at, ZoneInfo(zone) if zone else None)
    return local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def day(value: date | None) -> str:
    return NOTHING if value is None else value.isoformat()


def file_size(size: int) -> str:
    """Bytes as B, kB, MB or GB (powers of ten)."""
    amount = Decimal(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:,.0f} {unit}" if unit == "B" else f"{amount:,.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def grouped_text(amount: str) -> str:
    """A decimal string such as "-1234.50" in groups of three, its decimals as they are."""
    value = Decimal(amount)
    return f"{MINUS if value < 0 else ''}{abs(value):,f}"
