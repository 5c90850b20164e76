"""Sales orders, returns, corrections, payments, holds, and the append-only order events."""

from tongpan.orders.models.documents import (
    Correction,
    Discount,
    Hold,
    HoldReason,
    LineKind,
    Order,
    OrderEvent,
    OrderLine,
    OrderTag,
    Payer,
    Payment,
    RawPayload,
    Return,
    ReturnLine,
    ReturnStatus,
    Status,
)

__all__ = [
    "Correction",
    "Discount",
    "Hold",
    "HoldReason",
    "LineKind",
    "Order",
    "OrderEvent",
    "OrderLine",
    "OrderTag",
    "Payer",
    "Payment",
    "RawPayload",
    "Return",
    "ReturnLine",
    "ReturnStatus",
    "Status",
]
