"""Money is an integer count of minor units (fen, cents) with a currency. No float comes near it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 minor-unit exponents that are not 2.
UNUSUAL_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def exponent(currency: str) -> int:
    """How many decimals ``currency`` has (ISO 4217); 2 for all but a few."""
    return UNUSUAL_EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """``amount`` in major units as minor units, rounded half away from zero ("half up" of bookkeeping)."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP))


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """``amount_minor`` as an exact decimal of major units, with all decimals of the currency."""
    places = exponent(currency)
    return Decimal(amount_minor).scaleb(-places).quantize(Decimal(1).scaleb(-places))


@dataclass(frozen=True, slots=True)
class Money:
    amount_minor: int
    currency: str

    def as_json(self) -> dict[str, str]:
        return {"amount": str(to_decimal(self.amount_minor, self.currency)), "currency": self.currency}


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split ``amount_minor`` over ``weights`` by largest remainder; ties go to the earlier position.

    Σ result == amount_minor always, and each share lies within one minor unit of its exact value.
    A negative amount is split as its absolute value with the sign put back, so that a refund mirrors its
    charge. Weights are non-negative integers; when all are zero the amount is split evenly.
    Raises ValueError for no weights or a negative one.
    Source of the rule: Hamilton's largest-remainder method.
    """
    if not weights:
        raise ValueError("An amount cannot be split over no shares.")
    if min(weights) < 0:
        raise ValueError("A weight of a split cannot be negative.")
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    sign = -1 if amount_minor < 0 else 1
    size = abs(amount_minor)
    shares = [size * weight // total for weight in weights]
    left = size - sum(shares)
    if left:
        # Larger remainders first, that is smaller negated ones; equal ones by position.
        missing = [(-(size * weight % total), position) for position, weight in enumerate(weights)]
        missing.sort()
        for _, position in missing[:left]:
            shares[position] += 1
    return shares if sign > 0 else [-share for share in shares]
