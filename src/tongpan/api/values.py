"""The values that requests and answers are made of: text, codes, identifiers, instants, days, money."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from tongpan.core.money import Money, exponent, to_minor

# No control characters but tab and line breaks: PostgreSQL has no NUL, and nobody means the others.
_PLAIN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
MAX_ID = 2**63 - 1
MAX_QTY = 10_000_000
_FIRST_YEAR, _LAST_YEAR = 1990, 2200


def _text(most: int, least: int = 0) -> Any:
    return Annotated[str, StringConstraints(strict=True, min_length=least, max_length=most, pattern=_PLAIN)]


Text40, Text60, Text80, Text120, Text300 = _text(40), _text(60), _text(80), _text(120), _text(300)
Text2000 = _text(2000)
Tag = Annotated[
    str,
    StringConstraints(
        strict=True, max_length=40, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
    ),
]
Name60, Name80, Name120 = _text(60, 1), _text(80, 1), _text(120, 1)
Code = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Qty = Annotated[int, Field(strict=True, ge=1, le=MAX_QTY)]
SignedQty = Annotated[int, Field(strict=True, ge=-MAX_QTY, le=MAX_QTY)]
CountedQty = Annotated[int, Field(strict=True, ge=0, le=MAX_QTY)]
Flag = Annotated[bool, Field(strict=True)]
Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False)]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("an RFC 3339 time with its offset is wanted, as 2026-11-18T16:30:00+08:00")
    try:
        at = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError(f"{value} does not exist in the calendar") from None
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f"the year must lie between {_FIRST_YEAR} and {_LAST_YEAR}")
    return at


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is wanted, as 2026-11-18")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value} does not exist in the calendar") from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"the year must lie between {_FIRST_YEAR} and {_LAST_YEAR}")
    return day


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


class In(BaseModel):
    """What a client sends. An unknown field is refused: it would be a misspelt one that counts for nothing."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(frozen=True)


Amount = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^-?\d{1,12}(\.\d{1,3})?$"),
    Field(description="A decimal with at most the decimals of the currency", examples=["12.34"]),
]
UnitPrice = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^-?\d{1,12}(\.\d{1,6})?$"),
    Field(description="As the channel shows it; it may have more decimals than the currency"),
]


class MoneyIn(In):
    amount: Amount
    currency: Currency

    def minor(self, currency: str, where: str) -> int:
        """Minor units. Raises ValueError when it is not an amount of ``currency``."""
        if self.currency != currency:
            raise ValueError(f"{where} is in {self.currency}, but the document is in {currency}")
        amount = Decimal(self.amount)
        if -int(amount.normalize().as_tuple().exponent) > exponent(currency):
            raise ValueError(f"{where}: {self.amount} has more decimals than {currency}")
        return to_minor(amount, currency)


class MoneyOut(Out):
    amount: str = Field(examples=["12.34"])
    currency: str = Field(examples=["CNY"])


def money(amount_minor: int, currency: str) -> MoneyOut:
    return MoneyOut(**Money(amount_minor, currency).as_json())


def money_or_none(amount_minor: int | None, currency: str) -> MoneyOut | None:
    return None if amount_minor is None else money(amount_minor, currency)


State = Literal["accepted", "updated", "unchanged", "stale", "refused"]


class OutcomeOut(Out):
    """What became of one document, at the position at which it was sent."""

    state: State
    id: int | None = Field(description="The document's id here; null when it was refused as unknown")
    number: str
    code: str = Field("", description="Why it was refused, for programs")
    reason: str = Field("", description="Why it was refused, for people")
