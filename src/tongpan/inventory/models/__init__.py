"""The tables of stock."""

from __future__ import annotations

from tongpan.inventory.models.counts import CountEntry, CountKind, CountLine, CountSheet, CountState
from tongpan.inventory.models.inspections import (
    HoldDecision,
    Inspection,
    InspectionKind,
    QualityHold,
    QualityHoldMove,
)
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
from tongpan.inventory.models.policies import (
    ChannelPolicy,
    Cover,
    CoverAlert,
    LiveSession,
    Mode,
    NodePolicy,
    PublishedStock,
    QuotaUse,
)
from tongpan.inventory.models.replenishment import Replenishment, ReplenishmentState, StockAlert
from tongpan.inventory.models.transfers import Transfer, TransferLine, TransferReceipt, TransferState

__all__ = [
    "Bucket",
    "ChannelPolicy",
    "CountEntry",
    "CountKind",
    "CountLine",
    "CountSheet",
    "CountState",
    "Cover",
    "CoverAlert",
    "HoldDecision",
    "Inspection",
    "InspectionKind",
    "Kind",
    "Level",
    "LiveSession",
    "Mode",
    "Movement",
    "NodePolicy",
    "Pool",
    "PublishedStock",
    "QualityHold",
    "QualityHoldMove",
    "QuotaUse",
    "Replenishment",
    "ReplenishmentState",
    "Reservation",
    "StockAlert",
    "StockDocument",
    "StockDocumentLine",
    "Transfer",
    "TransferLine",
    "TransferReceipt",
    "TransferState",
]
