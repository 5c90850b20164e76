"""Entries of a shop's account on its platform: what was paid out, taken and borne, flow by flow. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tongpan.core.money import allocate

PARTS = (
    "goods",
    "postage",
    "platform",
    "platform_postage",
    "platform_other",
    "trade_in",
    "government",
    "influencer",
    "payment",
    "payment_credit",
    "bank",
    "refund",
    "platform_fee",
    "commission",
    "agency_fee",
    "channel_fee",
    "recruiting_fee",
    "promotion_fee",
    "other_fee",
    "waived",
)
"""What an amount may be made of, as far as platforms say."""
PAYERS = {
    "platform": "platform",
    "platform_other": "platform",
    "influencer": "influencer",
    "payment": "bank",
    "payment_credit": "bank",
    "bank": "bank",
}
"""The parts that are discounts on goods borne by somebody, and by whom."""
SHARE_CODE = "#ledger"
"""The code of discount shares that come from the ledger and not from the order itself."""


@dataclass(frozen=True, slots=True)
class LedgerDoc:
    """One entry as a platform gives it. number: its flow number, unique in the shop.

    amount_minor: signed; what went out of the account is below zero. parts: what it is made of, by name of PARTS, in
    the platform's signs. order_number, line_key, after_sale_number: what it belongs to, "" when the platform does not
    say. more: every other cell that is not empty, by its header.
    """

    shop_code: str
    number: str
    occurred_at: datetime
    currency: str
    amount_minor: int
    scene: str = ""
    kind: str = ""
    account: str = ""
    order_number: str = ""
    line_key: str = ""
    after_sale_number: str = ""
    note: str = ""
    balance_minor: int | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)


def digest(doc: LedgerDoc) -> bytes:
    """A 16-byte BLAKE2 of what an entry says of money, whatever other columns its file has."""
    said = (
        doc.number,
        doc.occurred_at.astimezone(UTC).isoformat(),
        doc.currency,
        doc.amount_minor,
        doc.scene,
        doc.order_number,
        doc.line_key,
        sorted(doc.parts.items()),
    )
    return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Borne:
    """What an entry says that payers bear. line_key: of the line that it is for, "" for the whole order."""

    line_key: str
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GoodsLine:
    id: int
    line_key: str
    amount_minor: int


Share = tuple[int, str, int]
"""(line id, payer, minor units)."""


def shares_of(entries: Iterable[Borne], lines: Sequence[GoodsLine], named: Iterable[str]) -> list[Share]:
    """The discount shares that entries of an order add to those it has.

    named: the payers of which the order itself tells shares; they are left alone, so that nothing counts twice. What
    goes back by a later entry is taken off; what is for no line of its own is spread over all by their amounts.
    """
    known = set(named)
    by_key = {line.line_key: line for line in lines if line.line_key}
    sums: dict[tuple[str, int | None], int] = defaultdict(int)
    for entry in entries:
        line = by_key.get(entry.line_key)
        for part, amount in entry.parts.items():
            payer = PAYERS.get(part)
            if payer and payer not in known:
                sums[(payer, line.id if line else None)] += amount
    shares: dict[tuple[int, str], int] = defaultdict(int)
    for (payer, line_id), amount in sums.items():
        if amount <= 0 or not lines:
            continue
        if line_id is not None:
            shares[(line_id, payer)] += amount
            continue
        weights = [max(line.amount_minor, 0) for line in lines]
        for line, part_amount in zip(lines, allocate(amount, weights), strict=True):
            shares[(line.id, payer)] += part_amount
    return [(line_id, payer, amount) for (line_id, payer), amount in sorted(shares.items()) if amount > 0]
