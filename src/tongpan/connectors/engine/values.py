"""Texts to values: numbers, times, yes and no. Each raises ValueError with the reason, for a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tongpan.connectors.engine.cells import is_mangled

MAX_QTY = 10_000_000
MAX_NUMBER = Decimal(10) ** 12 - 1
PRICE_DECIMALS = 6
FIRST_YEAR, LAST_YEAR = 1970, 2100
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d*)?)?)?"
)
_ISO_DAY_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日?(?:\s*(\d{1,2})[:时](\d{1,2})分?(?:[::]?(\d{1,2})秒?)?)?")
_OFFSET = re.compile(r"\s*(Z|UTC|[+-]\d{2}:?\d{2})$")
_TRUE = frozenset({"true", "yes", "y", "1", "是", "真", "t"})
_FALSE = frozenset({"false", "no", "n", "0", "否", "假", "f"})


def decimal_of(text: str, has_decimal_comma: bool = False) -> Decimal:
    """An exact decimal. Grouping commas, full-width digits and a currency sign are understood; an exponent,
    infinity or anything else is refused, and so is a number of 10¹² or more."""
    plain = text
    if not _PLAIN.fullmatch(plain):
        plain = unicodedata.normalize("NFKC", text).strip().lstrip("¥$€£").rstrip("元%").strip()
        if has_decimal_comma:
            plain = plain.replace(".", "").replace(",", ".")
        elif _GROUPED.fullmatch(plain):
            plain = plain.replace(",", "")
        if "%" in text or not _PLAIN.fullmatch(plain):
            if is_mangled(text):
                raise ValueError("a spreadsheet has rounded this number; export the file again as text")
            raise ValueError("is not a number")
    number = Decimal(plain)
    if abs(number) > MAX_NUMBER:
        raise ValueError("is larger than any real amount")
    return number


def plain(number: Decimal) -> Decimal:
    """``number`` without trailing zeros, so that equal numbers look equal; at most six decimals are kept."""
    short = round(number, PRICE_DECIMALS).normalize()
    return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1))  # type: ignore[operator]


def integer_of(text: str, has_decimal_comma: bool = False) -> int:
    """A whole number of units; "6.0" is one, "6.5" is not."""
    if len(text) < 8 and text.isascii() and text.isdigit():
        return int(text)
    number = decimal_of(text, has_decimal_comma)
    whole = int(number)
    if whole != number:
        raise ValueError("is not a whole number")
    if abs(whole) > MAX_QTY:
        raise ValueError("is larger than any real quantity")
    return whole


def degrees_of(text: str, limit: int) -> float:
    """Geographic degrees within ±limit; a float, because no money is near."""
    degrees = decimal_of(text)
    if abs(degrees) > limit:
        raise ValueError(f"is outside ±{limit} degrees")
    return float(degrees)


def truth_of(text: str) -> bool:
    word = text.casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("is neither yes nor no")


def time_parser(formats: Sequence[str], zone: ZoneInfo) -> Callable[[str], datetime]:
    """A parser of instants, in UTC. A text without an offset is local time of ``zone``.

    Without ``formats`` only year-first notations are taken (2025-02-28 13:05:00, 2025/2/28, 20250228,
    2025年2月28日): 01/02/2025 could be January or February and is refused unless the mapping says which.
    """

    def parse(text: str) -> datetime:
        moment = _by_formats(text, formats) if formats else None
        if moment is None:
            moment = _by_notation(text)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValueError(f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)

    return parse


_USUAL = "%Y-%m-%d %H:%M:%S"
_USUAL_SHAPE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def _by_formats(text: str, formats: Sequence[str]) -> datetime | None:
    for pattern in formats:
        try:
            if pattern == _USUAL and _USUAL_SHAPE.fullmatch(text):
                return datetime.fromisoformat(text)  # says the same, a hundred times as fast
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def _by_notation(text: str) -> datetime:
    offset = _OFFSET.search(text)
    body = text[: offset.start()] if offset and ":" in text[: offset.start()] else text
    match = _ISO.fullmatch(body) or _ISO_DAY_PACKED.fullmatch(body) or _CHINESE.fullmatch(body)
    if match is None:
        if is_mangled(text):
            raise ValueError("a spreadsheet has rounded this number; export the file again as text")
        raise ValueError("is not a date in a known, unambiguous notation (such as 2025-02-28 13:05:00)")
    numbers = [int(part) if part else 0 for part in match.groups()[:6]]
    numbers += [0] * (6 - len(numbers))
    fraction = match.groups()[6] if len(match.groups()) > 6 else None
    try:
        moment = datetime(*numbers[:6])  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError("is a day or time that does not exist") from error
    moment = moment.replace(microsecond=int((fraction or "0").ljust(6, "0")))
    if body is text or offset is None:
        return moment
    sign = offset[1].replace(":", "")
    spelled = "+0000" if sign in ("Z", "UTC") else sign
    return datetime.strptime(moment.isoformat(timespec="microseconds") + spelled, "%Y-%m-%dT%H:%M:%S.%f%z")


def day_of(text: str) -> date:
    """A calendar day in a year-first notation; a time after it does not count."""
    return _by_notation(text).date()
