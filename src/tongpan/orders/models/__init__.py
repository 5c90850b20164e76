"""Sales orders, returns, corrections, payments, holds, and the append-only order events."""

from tongpan.orders.models.documents import (
    Correction,
    Hold,
    HoldReason,
    LineKind,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    Return,
    ReturnLine,
    ReturnStatus,
    Status,
)

__all__ = [
    "Correction",
    "Hold",
    "HoldReason",
    "LineKind",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Payment",
    "Return",
    "ReturnLine",
    "ReturnStatus",
    "Status",
]
