"""How the goods of an order reach the buyer: the columns that keep it, and when a copy replaces it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tongpan.access import vault
from tongpan.core.bulk import Part
from tongpan.orders.actions.filed import Filed
from tongpan.orders.engine import UNSAID, DeliveryDoc

COLUMNS = (
    "delivery_method",
    "delivery_node",
    "slot_start",
    "slot_end",
    "contactless",
    "gift_wrap",
    "gift_card_sealed",
    "delivery_fee_minor",
)


def delivery_row(delivery: DeliveryDoc) -> tuple[Any, ...]:
    """``delivery`` in the order of COLUMNS, the gift card sealed."""
    if not delivery.gift_card:
        return (*delivery[:6], b"", delivery.fee_minor)
    return (*delivery[:6], vault.seal(delivery.gift_card), delivery.fee_minor)


def redelivered(stored: Sequence[Filed]) -> list[Part]:
    """The statement that gives stored orders the delivery of their copies; none where no copy says one.

    A delivery that people changed here stays ("delivery" in ``Order.local_fields``), and so does the text of a gift
    card of which a copy does not speak. The caller holds the orders.
    """
    said = [f for f in stored if f.doc.delivery != UNSAID]
    if not said:
        return []
    rows = [(f.order_id, *delivery_row(f.doc.delivery)) for f in said]
    return [
        Part(
            """UPDATE orders_order o SET
                   delivery_method = u.method, delivery_node = u.node, slot_start = u.slot_start, slot_end = u.slot_end,
                   contactless = u.contactless, gift_wrap = u.gift_wrap,
                   gift_card_sealed = CASE WHEN u.card = '' THEN o.gift_card_sealed ELSE u.card END,
                   delivery_fee_minor = coalesce(u.fee, o.delivery_fee_minor)
               FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bool[],
                           %s::text[], %s::bytea[], %s::bigint[])
                    AS u(id, method, node, slot_start, slot_end, contactless, gift_wrap, card, fee)
               WHERE o.id = u.id AND NOT 'delivery' = ANY(o.local_fields)""",
            [list(column) for column in zip(*rows, strict=True)],
        )
    ]
