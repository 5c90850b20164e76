"""Recipients of whom a later copy knows less: a platform masks names and phones once an order is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from tongpan.access import vault
from tongpan.core.bulk import fetch_all
from tongpan.orders.engine import ShipTo


def whole_recipients(given: Mapping[int, ShipTo]) -> dict[int, ShipTo]:
    """The recipients of stored orders that ``given`` knows a part of, with the rest as it is stored; by order id.

    One that is known whole, or not at all, is not in the answer. At most one statement; the caller holds the orders.
    """
    partial = sorted(order_id for order_id, to in given.items() if _knows_a_part(to))
    if not partial:
        return {}
    rows = fetch_all(
        "SELECT id, recipient_sealed FROM orders_order WHERE id = ANY(%s) AND recipient_sealed <> ''", [partial]
    )
    return {order_id: _joined(given[order_id], sealed) for order_id, sealed in rows}


def _knows_a_part(to: ShipTo) -> bool:
    known = [bool(text) for text in (to.recipient, to.phone, to.address)]
    return any(known) and not all(known)


def _joined(to: ShipTo, sealed: bytes) -> ShipTo:
    recipient, phone, address = json.loads(vault.open_sealed(sealed))
    return replace(to, recipient=to.recipient or recipient, phone=to.phone or phone, address=to.address or address)
