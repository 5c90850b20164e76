"""Rows of a settlement file as entries of the shop's ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tongpan.connectors.engine.cells import clean
from tongpan.connectors.engine.documents import StagedRow
from tongpan.connectors.engine.records import PART
from tongpan.orders.ledger import LedgerDoc


def entry_of(row: StagedRow, f: Mapping[str, Any], names: Sequence[str], shop_code: str, currency: str) -> LedgerDoc:
    """The entry that the fields ``f`` of ``row`` describe. names: the headers of all its cells.

    shop_code, currency: of the import, for rows that name none.
    """
    amount = f["amount"]
    return LedgerDoc(
        f["shop"] or shop_code,
        f["number"],
        f["at"],
        f["currency"] or currency,
        -abs(amount) if f["outgoing"] else amount,
        f["scene"],
        f["kind"],
        f["account"],
        f["order"],
        f["line"],
        f["after_sale"],
        f["note"],
        f["balance"],
        {name.removeprefix(PART): value for name, value in f.items() if name.startswith(PART) and value},
        {name: text for name, cell in zip(names, row.cells, strict=False) if name and (text := clean(cell or ""))},
    )
