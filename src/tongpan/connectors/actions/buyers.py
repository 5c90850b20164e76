"""Buyers that an export of Tongpan has written as keyed hashes: known again where the hash was made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tongpan.access import vault
from tongpan.connectors.engine.documents import Prepared
from tongpan.core.bulk import fetch_all
from tongpan.orders.engine import BuyerDoc, OrderDoc, ReturnDoc

HASHED = "hashed"
_HEX = re.compile(r"(?:[0-9a-f]{2}){16,64}")


def recognised(waiting: Sequence[Prepared]) -> list[Prepared]:
    """``waiting`` with the hashed buyers of this installation put back to what they were exported from.

    Elsewhere a hash stays what it is: it tells which orders have the same buyer, and nothing else. At most one
    statement.
    """
    values = {buyer.value for prepared in waiting if (buyer := _buyer(prepared)) and _HEX.fullmatch(buyer.value)}
    if not values:
        return list(waiting)
    known = {
        bytes(digest).hex(): BuyerDoc(kind, scope, vault.open_sealed(value), vault.open_sealed(name), province, city)
        for digest, kind, scope, value, name, province, city in fetch_all(
            """SELECT i.digest, i.kind, i.scope, i.value_sealed, c.name_sealed, c.province, c.city
               FROM customers_identifier i JOIN customers_customer c ON c.id = i.customer_id
               WHERE i.digest = ANY(%s)""",
            [[bytes.fromhex(value) for value in sorted(values)]],
        )
    }
    return [_recognise(prepared, known) for prepared in waiting]


def _buyer(prepared: Prepared) -> BuyerDoc | None:
    doc = prepared.doc
    buyer = doc.buyer if isinstance(doc, OrderDoc | ReturnDoc) else None
    return buyer if buyer is not None and buyer.kind == HASHED else None


def _recognise(prepared: Prepared, known: dict[str, BuyerDoc]) -> Prepared:
    buyer, doc = _buyer(prepared), prepared.doc
    if buyer is None or buyer.value not in known or not isinstance(doc, OrderDoc | ReturnDoc):
        return prepared
    return replace(prepared, doc=replace(doc, buyer=known[buyer.value]))
