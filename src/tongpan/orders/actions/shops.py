"""The shops that documents name, and the checks that every document passes."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.orders.engine import CorrectionDoc, LineDoc, OrderDoc, Outcome, ReturnDoc

EARLIEST = 1990
MAX_QTY = 10_000_000
MAX_AMOUNT_MINOR = 10**14
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class ShopInfo:
    id: int
    channel_id: int
    currency: str
    zone: str


def shops_by_code(codes: Collection[str]) -> dict[str, ShopInfo]:
    rows = fetch_all(
        """SELECT s.code, s.id, c.id, c.currency, c.zone FROM channels_shop s
           JOIN channels_channel c ON c.id = s.channel_id WHERE s.code = ANY(%s)""",
        [sorted(set(codes))],
    )
    return {code: ShopInfo(*rest) for code, *rest in rows}


def refusal(
    doc: OrderDoc | ReturnDoc | CorrectionDoc, at: datetime, shops: dict[str, ShopInfo], now: datetime
) -> Outcome | None:
    """Why the document cannot be taken at all, or None."""

    def refused(code: str, reason: str) -> Outcome:
        return Outcome("refused", reason=reason, code=code)

    shop = shops.get(doc.shop_code)
    if shop is None:
        return refused("shop.unknown", f"There is no shop {doc.shop_code!r}; create it first.")
    if not doc.external_id or len(doc.external_id) > 120 or _CONTROL.search(doc.external_id):
        return refused(
            "document.number", f"The number {doc.external_id[:40]!r} is empty, too long or holds control characters."
        )
    if doc.currency != shop.currency:
        return refused(
            "document.currency",
            f"Its currency is {doc.currency}, but shop {doc.shop_code} sells in {shop.currency}.",
        )
    if at.tzinfo is None or at.year < EARLIEST or at > now + timedelta(days=1):
        return refused(
            "document.time", f"Its time {at.isoformat()} lies before {EARLIEST}, in the future, or has no zone."
        )
    for line in doc.lines:
        problem = _line_problem(line, is_correction=isinstance(doc, CorrectionDoc))
        if problem:
            return refused("document.line", problem)
    return None


def _line_problem(line: LineDoc, *, is_correction: bool) -> str:
    if line.kind == "goods":
        if is_correction:
            return f"Line {line.code!r} is goods; a correction moves money only."
        if not line.code or len(line.code) > 120:
            return f"A goods line ({line.name[:40]!r}) has no SKU code, or one of more than 120 characters."
        if not 0 < line.qty <= MAX_QTY:
            return f"SKU {line.code}: a quantity of {line.qty} is outside 1 to {MAX_QTY}."
    elif not -MAX_QTY <= line.qty <= MAX_QTY:
        return f"Charge {line.code!r}: a quantity of {line.qty} is absurd."
    if abs(line.amount_minor) > MAX_AMOUNT_MINOR:
        return f"Line {line.code!r}: an amount of {line.amount_minor} minor units is absurd."
    return ""
