"""Sales orders, returns, corrections, payments, holds, and the append-only order events."""

from tongpan.orders.models.carts import Cart, CartLine
from tongpan.orders.models.changes import ChannelLine, Merge
from tongpan.orders.models.documents import (
    Correction,
    DeliveryMethod,
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
from tongpan.orders.models.preorders import Preorder, PreorderLine, PreorderOffer, PreorderState
from tongpan.orders.models.review import BlacklistEntry, OrderContact, OrderNote, PriceFloor, ReviewPolicy

__all__ = [
    "BlacklistEntry",
    "Cart",
    "CartLine",
    "ChannelLine",
    "Correction",
    "DeliveryMethod",
    "Discount",
    "Hold",
    "HoldReason",
    "LineKind",
    "Merge",
    "Order",
    "OrderContact",
    "OrderEvent",
    "OrderLine",
    "OrderNote",
    "OrderTag",
    "Payer",
    "Payment",
    "Preorder",
    "PreorderLine",
    "PreorderOffer",
    "PreorderState",
    "PriceFloor",
    "RawPayload",
    "Return",
    "ReturnLine",
    "ReturnStatus",
    "ReviewPolicy",
    "Status",
]
