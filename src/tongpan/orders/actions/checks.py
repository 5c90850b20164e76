"""The checks that every document passes before anything is written: one bad document must not stop a batch."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeGuard

from tongpan.orders.actions.shops import ShopInfo
from tongpan.orders.delivery_checks import delivery_problem
from tongpan.orders.engine import PAYERS, BuyerDoc, CorrectionDoc, LineDoc, OrderDoc, Outcome, ReturnDoc

EARLIEST = 1990
LATEST = 2200
AHEAD = timedelta(days=1)
"""How far a channel's clock may be ahead of ours."""
MAX_QTY = 10_000_000
MAX_AMOUNT_MINOR = 10**14
MAX_PRICE = Decimal(10**11)
MAX_SEQ = 2**31 - 1
MAX_NOTE = 10_000
MAX_RAW = 8_000_000
MAX_TAGS = 50
TAG_LENGTH = 40
CODE_LENGTH = 120
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# PostgreSQL's text has no NUL, and half of a surrogate pair is no character.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

Doc = OrderDoc | ReturnDoc | CorrectionDoc


def is_named(buyer: BuyerDoc | None) -> TypeGuard[BuyerDoc]:
    """True for a buyer who can be told apart; one without a value is anonymous, not the same as all others."""
    return buyer is not None and buyer.value.strip() != ""


def refusal_of_order(doc: OrderDoc, shops: dict[str, ShopInfo], now: datetime) -> Outcome | None:
    """Why the order cannot be taken at all, or None."""
    return _refused(
        _head_problem(doc, doc.placed_at, shops, now)
        or _times_problem(doc, now)
        or _text_problem(_order_texts(doc))
        or _buyer_problem(doc.buyer)
        or _lines_problem(doc)
        or _money_problem(doc)
        or _place_problem(doc)
        or _discount_problem(doc)
        or delivery_problem(doc.delivery)
        or _more_problem(doc)
    )


def refusal_of_return(doc: ReturnDoc, shops: dict[str, ShopInfo], now: datetime) -> Outcome | None:
    """Why the return cannot be taken at all, or None."""
    return _refused(
        _head_problem(doc, doc.returned_at, shops, now)
        or _text_problem([doc.order_external_id, *_buyer_texts(doc.buyer), *_line_texts(doc)])
        or _buyer_problem(doc.buyer)
        or _lines_problem(doc)
        or _sign_problem(doc)
    )


def refusal_of_correction(doc: CorrectionDoc, shops: dict[str, ShopInfo], now: datetime) -> Outcome | None:
    """Why the correction cannot be taken at all, or None."""
    return _refused(
        _head_problem(doc, doc.corrected_at, shops, now)
        or _text_problem(_line_texts(doc))
        or _lines_problem(doc)
        or _goods_problem(doc)
    )


_Problem = tuple[str, str] | None
"""(code, sentence)"""


def _refused(problem: _Problem) -> Outcome | None:
    return Outcome("refused", reason=problem[1], code=problem[0]) if problem else None


def _head_problem(doc: Doc, at: datetime, shops: dict[str, ShopInfo], now: datetime) -> _Problem:
    shop = shops.get(doc.shop_code)
    if shop is None:
        return "shop.unknown", f"There is no shop {doc.shop_code!r}; create it first."
    number = doc.external_id
    if not number or len(number) > CODE_LENGTH or _CONTROL.search(number) or _NO_TEXT.search(number):
        return "document.number", f"The number {number[:40]!r} is empty, too long or holds control characters."
    if doc.currency != shop.currency:
        return (
            "document.currency",
            f"Its currency is {doc.currency}, but shop {doc.shop_code} sells in {shop.currency}.",
        )
    if not _is_plausible(at) or at > now + AHEAD:
        return "document.time", _time_sentence("Its time", at)
    return None


def _is_plausible(at: datetime) -> bool:
    return at.utcoffset() is not None and EARLIEST <= at.year < LATEST


def _time_sentence(what: str, at: datetime) -> str:
    return f"{what} {at.isoformat()} lies before {EARLIEST}, in the future, or has no zone."


def _times_problem(doc: OrderDoc, now: datetime) -> _Problem:
    latest = now + AHEAD
    for what, at in (
        ("The time of last change", doc.version),
        ("The time of payment", doc.paid_at),
        ("The time of dispatch", doc.dispatched_at),
        ("The time of delivery", doc.delivered_at),
        ("The time of completion", doc.completed_at),
        ("The time of cancellation", doc.cancelled_at),
    ):
        if at is not None and (not _is_plausible(at) or at > latest):
            return "document.time", _time_sentence(what, at)
    if doc.promised_at is not None and not _is_plausible(doc.promised_at):
        return "document.time", _time_sentence("The promised time", doc.promised_at)
    if doc.hold_until is not None and not _is_plausible(doc.hold_until):
        return "document.time", _time_sentence("The time until which its goods are held", doc.hold_until)
    for payment in doc.payments:
        if payment.paid_at is not None and (not _is_plausible(payment.paid_at) or payment.paid_at > latest):
            return "document.time", _time_sentence(f"The time of payment {payment.seq}", payment.paid_at)
    return None


def _order_texts(doc: OrderDoc) -> list[str]:
    to = doc.ship_to
    texts = [doc.channel_status, to.province, to.city, to.recipient, to.phone, to.address]
    texts += [payment.method for payment in doc.payments]
    texts += [doc.buyer_note, doc.seller_note, *doc.tags]
    texts += [doc.delivery.node, doc.delivery.gift_wrap, doc.delivery.gift_card]
    texts += [text for share in doc.discounts for text in (share.code, share.name)]
    if doc.invoice is not None:
        texts += [doc.invoice.kind, doc.invoice.title, doc.invoice.tax_number, doc.invoice.content]
    return texts + _buyer_texts(doc.buyer) + _line_texts(doc)


def _buyer_texts(buyer: BuyerDoc | None) -> list[str]:
    if buyer is None:
        return []
    return [buyer.kind, buyer.scope, buyer.value, buyer.name, buyer.province, buyer.city]


def _line_texts(doc: Doc) -> list[str]:
    # By position: an import checks millions of lines.
    return [text for line in doc.lines for text in (line[1], line[2], *line[6:])]


def _text_problem(texts: list[str]) -> _Problem:
    if _NO_TEXT.search("\n".join(texts)):
        return "document.text", "A text of it holds a NUL byte or half a character; send it as proper Unicode."
    return None


def _buyer_problem(buyer: BuyerDoc | None) -> _Problem:
    if is_named(buyer) and not (0 < len(buyer.kind) <= 20 and len(buyer.scope) <= 60):
        return (
            "document.buyer",
            f"Its buyer has kind {buyer.kind[:40]!r} (1 to 20 characters) and scope {buyer.scope[:80]!r} (at most 60).",
        )
    return None


def _lines_problem(doc: Doc) -> _Problem:
    for line in doc.lines:
        problem = _line_problem(line)
        if problem:
            return "document.line", problem
    return None


def _line_problem(line: LineDoc) -> str:
    kind, code, name, qty, amount, price, _, product_code, _, _, node = line
    if kind == "goods":
        if not code or len(code) > CODE_LENGTH or len(product_code) > CODE_LENGTH:
            return (
                f"A goods line ({name[:40]!r}) has no SKU code, or one of more than {CODE_LENGTH} characters, "
                "or such a product code."
            )
        if not 0 < qty <= MAX_QTY:
            return f"SKU {code}: a quantity of {qty} is outside 1 to {MAX_QTY}."
        if node and len(node) > 60:
            return f"SKU {code}: the node code {node[:80]!r} has more than 60 characters."
    elif kind != "charge":
        return f"Line {code!r} is of kind {kind!r}; it must be goods or charge."
    elif not -MAX_QTY <= qty <= MAX_QTY:
        return f"Charge {code!r}: a quantity of {qty} is absurd."
    if not -MAX_AMOUNT_MINOR <= amount <= MAX_AMOUNT_MINOR:
        return f"Line {code!r}: an amount of {amount} minor units is absurd."
    if price is not None and not (price.is_finite() and -MAX_PRICE < price < MAX_PRICE):
        return f"Line {code!r}: a unit price of {price} is absurd."
    return ""


def _money_problem(doc: OrderDoc) -> _Problem:
    for what, amount in (
        ("total", doc.total_minor),
        ("paid amount", doc.paid_minor),
        ("refunded amount", doc.refunded_minor),
        *((f"payment {payment.seq}", payment.amount_minor) for payment in doc.payments),
    ):
        if amount is not None and abs(amount) > MAX_AMOUNT_MINOR:
            return "document.money", f"A {what} of {amount} minor units is absurd."
    for seq, times in Counter(payment.seq for payment in doc.payments).items():
        if times > 1 or not 0 <= seq <= MAX_SEQ:
            return "document.money", f"Payment {seq} occurs {times} times, or its number is outside 0 to {MAX_SEQ}."
    return None


def _place_problem(doc: OrderDoc) -> _Problem:
    latitude, longitude = doc.ship_to.latitude, doc.ship_to.longitude
    for value, limit in ((latitude, 90), (longitude, 180)):
        if value is not None and not (math.isfinite(value) and abs(value) <= limit):
            return "document.place", f"The point ({latitude}, {longitude}) is not on Earth."
    return None


def _discount_problem(doc: OrderDoc) -> _Problem:
    for share in doc.discounts:
        what = f"Discount {share.code[:40] or share.name[:40]!r}"
        if share.payer not in PAYERS:
            return "document.discount", f"{what} is borne by {share.payer[:40]!r}; it must be {', '.join(PAYERS)}."
        if not 0 < share.amount_minor <= MAX_AMOUNT_MINOR:
            return "document.discount", f"{what}: a share of {share.amount_minor} minor units is not above zero."
        if share.line is not None and not 0 <= share.line < len(doc.lines):
            return "document.discount", f"{what} names line {share.line}, but there are {len(doc.lines)} from 0 on."
    return None


def _more_problem(doc: OrderDoc) -> _Problem:
    for what, note in (("buyer", doc.buyer_note), ("seller", doc.seller_note)):
        if len(note) > MAX_NOTE:
            return "document.note", f"The {what}'s note has {len(note)} characters; {MAX_NOTE} are the most."
    if len(doc.tags) > MAX_TAGS:
        return "document.tag", f"It has {len(doc.tags)} tags; {MAX_TAGS} are the most."
    for tag in doc.tags:
        if not 0 < len(tag.strip()) <= TAG_LENGTH or _CONTROL.search(tag):
            return (
                "document.tag",
                f"The tag {tag[:50]!r} is blank, longer than {TAG_LENGTH} or holds control characters.",
            )
    if len(doc.raw) > MAX_RAW:
        return "document.raw", f"Its payload has {len(doc.raw)} bytes; {MAX_RAW} are the most."
    return None


def _sign_problem(doc: ReturnDoc) -> _Problem:
    if any(line.kind == "goods" and line.amount_minor > 0 for line in doc.lines):
        return (
            "return.sign",
            f"Return {doc.external_id} has a goods line with a positive amount; a return takes money back.",
        )
    return None


def _goods_problem(doc: CorrectionDoc) -> _Problem:
    for line in doc.lines:
        if line.kind == "goods":
            return "document.line", f"Line {line.code!r} is goods; a correction moves money only."
    return None
