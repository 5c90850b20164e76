"""Makes an order of the head and the lines that its rows gave: spreads its money, adds its charges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tongpan.connectors.spec import Document
from tongpan.core.money import allocate
from tongpan.orders.engine import BuyerDoc, DiscountDoc, LineDoc, OrderDoc, PaymentDoc


def order_of(
    spec: Document,
    head: Mapping[str, Any],
    lines: Sequence[LineDoc],
    *,
    discounts: Sequence[DiscountDoc],
    payments: tuple[PaymentDoc, ...],
    shop_code: str,
    currency: str,
    names_paid: bool,
    raw: bytes = b"",
) -> tuple[OrderDoc, str]:
    """The order, and what is wrong with it ("" when nothing is).

    head: the folded fields by name. names_paid: the mapping says what was paid; otherwise it is the sum of payments.
    raw: the rows as they stood in the file.
    """
    problem = ""
    has_goods = any(line.kind == "goods" for line in lines)
    if has_goods:
        lines, problem = _with_money(spec, head, lines)
    paid = head["paid"]
    if payments and not names_paid:
        paid = sum(payment.amount_minor for payment in payments)
    status = head["channel_status"]
    order = OrderDoc(
        shop_code=shop_code,
        external_id=head["external_id"],
        placed_at=head["at"],
        currency=currency,
        lines=tuple(lines),
        buyer=head["buyer"],
        ship_to=head["ship_to"],
        payments=payments,
        version=head["version"],
        channel_status=status,
        paid_at=head["paid_at"],
        dispatched_at=head["dispatched_at"],
        delivered_at=head["delivered_at"],
        completed_at=head["completed_at"],
        cancelled_at=head["cancelled_at"],
        promised_at=head["promised_at"],
        paid_minor=paid,
        refunded_minor=head["refunded"] or 0,
        is_shipped=head["is_shipped"],
        is_simulated=head["is_simulated"],
        total_minor=None if lines else head["total"],
        discounts=(*_whole(head["discounts"], has_goods=has_goods), *discounts),
        invoice=head["invoice"],
        delivery=head["delivery"],
        buyer_note=head["buyer_note"],
        seller_note=head["seller_note"],
        tags=tuple(dict.fromkeys(head["tags"])),
        raw=raw,
        has_all_lines=False,
        is_status_known=not spec.known_statuses or not status or status in spec.known_statuses,
    )
    return order, problem


def _with_money(spec: Document, head: Mapping[str, Any], lines: Sequence[LineDoc]) -> tuple[list[LineDoc], str]:
    """``lines`` with what the buyer owes for all goods spread over them, and with the charges of the document."""
    made = list(lines)
    owed = head["goods"]
    if owed is not None:
        places = [i for i, line in enumerate(made) if line.kind == "goods"]
        weights = [made[i].amount_minor for i in places]
        if owed < 0 or min(weights) < 0:
            return made, "what is owed for the goods is below zero"
        if owed != sum(weights):
            for i, share in zip(places, allocate(owed, weights), strict=True):
                made[i] = made[i]._replace(amount_minor=share)
    made += head["charges"]
    if spec.balance and head["total"] is not None:
        rest = head["total"] - sum(line.amount_minor for line in made)
        if rest:
            made.append(LineDoc("charge", spec.balance.code, spec.balance.name, 1, rest))
    return made, ""


def _whole(discounts: Sequence[DiscountDoc], *, has_goods: bool) -> list[DiscountDoc]:
    """The discounts of a whole order; one without goods has nothing that they could be spread over."""
    return [replace(share, line=None) for share in discounts] if has_goods else []


def numbered(payments: Iterable[PaymentDoc]) -> tuple[PaymentDoc, ...]:
    """``payments``, those without a number of their own numbered in order of appearance."""
    return tuple(
        payment if payment.seq else PaymentDoc(number, payment.method, payment.amount_minor, payment.paid_at)
        for number, payment in enumerate(payments, 1)
    )


def one_buyer(buyers: Sequence[BuyerDoc]) -> BuyerDoc | None:
    """The buyer that all of ``buyers`` are, with what any of them says of the person; None when they are several."""
    first = buyers[0]
    if any((buyer.kind, buyer.scope, buyer.value) != (first.kind, first.scope, first.value) for buyer in buyers):
        return None
    said = {name: next(filter(None, (getattr(b, name) for b in buyers)), "") for name in ("name", "province", "city")}
    return replace(first, **said)
