"""The tables of stock."""

from __future__ import annotations

from tongpan.inventory.models.counts import CountEntry, CountKind, CountLine, CountSheet, CountState
from tongpan.inventory.models.levels import (
    Bucket,
    Kind,
    Level,
    Movement,
    Pool,
    Reservation,
    StockDocument,
    StockDocumentLine,
)
from tongpan.inventory.models.transfers import Transfer, TransferLine, TransferState

__all__ = [
    "Bucket",
    "CountEntry",
    "CountKind",
    "CountLine",
    "CountSheet",
    "CountState",
    "Kind",
    "Level",
    "Movement",
    "Pool",
    "Reservation",
    "StockDocument",
    "StockDocumentLine",
    "Transfer",
    "TransferLine",
    "TransferState",
]
