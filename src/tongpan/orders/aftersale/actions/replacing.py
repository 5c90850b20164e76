"""Goods that are sent instead: the new order of an exchange or a claim. It is an order like any other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from tongpan.access.vault import open_sealed
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.money import allocate
from tongpan.orders.actions.intake import accept
from tongpan.orders.aftersale.cases import Case, CaseLine
from tongpan.orders.engine import LineDoc, OrderDoc, PaymentDoc, ShipTo


def price_of(case: Case, lines: Sequence[CaseLine], credit: int) -> int:
    """What the goods that are sent instead cost, in minor units: no more than the credit where none was named."""
    if case.kind != "exchange" or not lines:
        return 0
    return sum(line.wanted_minor or 0 for line in lines) if lines[0].wanted_minor is not None else credit


def send_instead(case: Case, units: dict[int, int], credit: int, *, actor: str, now: datetime) -> int:
    """Make the order that sends units (by line number) of ``case`` again or something else instead; its id.

    credit: what the goods that came back pay of it, in minor units; the rest is paid as the case says. It goes to the
    same buyer and address, and is routed as any order is. Raises Refusal exchange.order when intake refuses it.
    """
    lines = [line for line in case.lines if units.get(line.line_no)]
    price = price_of(case, lines, credit)
    named = [line.wanted_minor for line in lines]
    amounts = (
        [amount or 0 for amount in named]
        if price and named[0] is not None
        else allocate(price, [units[line.line_no] for line in lines])
    )
    paid = [PaymentDoc(1, "exchange", min(price, credit), now)] if price and credit else []
    if price > credit:
        paid.append(PaymentDoc(2, case.paid_with, price - credit, now))
    doc = OrderDoc(
        shop_code=case.shop,
        external_id=f"{case.number[:100]}-AS{case.id}",
        placed_at=now,
        currency=case.currency,
        lines=[
            LineDoc("goods", line.wanted_sku or line.sku, line.wanted_name or line.name, units[line.line_no], amount)
            for line, amount in zip(lines, amounts, strict=True)
        ],
        ship_to=_address(case.order_id),
        payments=paid,
        paid_at=now,
        paid_minor=price,
        tags=[case.kind],
        is_simulated=case.is_simulated,
    )
    (outcome,) = accept([doc], actor=actor, now=now)
    if outcome.document_id is None:
        raise Refusal("exchange.order", f"The order that sends goods instead is refused: {outcome.reason}")
    execute("UPDATE orders_order SET customer_id = %s WHERE id = %s", [case.customer_id, outcome.document_id])
    execute("UPDATE orders_returncase SET new_order_id = %s WHERE id = %s", [outcome.document_id, case.id])
    return outcome.document_id


def _address(order_id: int) -> ShipTo:
    sealed, province, city, latitude, longitude = fetch_all(
        """SELECT recipient_sealed, ship_province, ship_city, ship_latitude, ship_longitude FROM orders_order
           WHERE id = %s""",
        [order_id],
    )[0]
    recipient, phone, address = json.loads(open_sealed(sealed)) if sealed else ("", "", "")
    return ShipTo(province, city, latitude, longitude, recipient, phone, address)
