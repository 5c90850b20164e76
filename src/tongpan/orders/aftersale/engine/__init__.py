"""What after-sale decides without touching the database."""

from tongpan.orders.aftersale.engine.refunds import (
    CHARGE_MODES,
    GIFT_MODES,
    ChargeLine,
    Given,
    GoodsLine,
    LineRefund,
    RefundShares,
    Sale,
    Share,
    Tender,
    Terms,
    add,
    cumulated,
    refund_of,
    share_out,
)

__all__ = [
    "CHARGE_MODES",
    "GIFT_MODES",
    "ChargeLine",
    "Given",
    "GoodsLine",
    "LineRefund",
    "RefundShares",
    "Sale",
    "Share",
    "Tender",
    "Terms",
    "add",
    "cumulated",
    "refund_of",
    "share_out",
]
