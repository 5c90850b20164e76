"""The tables of stock."""

from __future__ import annotations

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
