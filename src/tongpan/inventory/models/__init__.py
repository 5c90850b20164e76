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

__all__ = ["Bucket", "Kind", "Level", "Movement", "Pool", "Reservation", "StockDocument", "StockDocumentLine"]
