"""An order of a JD POP shop as the order hub takes it."""

from __future__ import annotations

from typing import Any

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.values import (
    State,
    buyer,
    decimal,
    discounts,
    goods_lines,
    life,
    local_time,
    minor,
    needed,
    payload,
    plain,
    shipping_line,
    sku_code,
    text,
)
from tongpan.core.money import to_minor
from tongpan.orders.engine import LineDoc, OrderDoc, PaymentDoc, ShipTo

STATES: dict[str, State] = {
    "NOT_PAY": "unpaid",
    # Waiting to be sent; it includes cash on delivery and pay-later, which have no time of payment.
    "WAIT_SELLER_STOCK_OUT": "paid",
    "WAIT_SELLER_DELIVERY": "paid",
    "SEND_TO_DISTRIBUTION_CENER": "dispatched",
    "DISTRIBUTION_CENTER_RECEIVED": "dispatched",
    "WAIT_GOODS_RECEIVE_CONFIRM": "dispatched",
    "RECEIPTS_CONFIRM": "delivered",
    "FINISHED_L": "completed",
    "TRADE_CANCELED": "cancelled",
    # Locked while the buyer asks for it to be cancelled, or paused: it must not be sent.
    "LOCKED": "unpaid",
    "PAUSE": "unpaid",
    "POP_ORDER_PAUSE": "unpaid",
}


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is yuan in text. An order without payment says so by a time in the year 1."""
    status = text(raw["orderState"])
    currency = access.currency
    placed_at = needed(local_time(raw.get("orderStartTime"), access), "orderStartTime")
    changed_at = local_time(raw.get("modified"), access)
    paid_at = local_time(raw.get("paymentConfirmTime"), access)
    freight = minor(raw.get("freightPrice"), currency)
    owed = minor(raw["orderPayment"], currency)
    lines = [
        LineDoc(
            "goods",
            sku_code(row.get("outerSkuId"), row.get("wareId"), row.get("skuId")),
            text(row.get("skuName")),
            int(row["itemTotal"]),
            to_minor(decimal(row["jdPrice"]) * int(row["itemTotal"]), currency),
            unit_price=decimal(row["jdPrice"]),
            line_key=text(row.get("skuId")),
        )
        for row in raw.get("itemInfoList") or []
    ]
    shop = minor(raw.get("sellerDiscount"), currency)
    others = minor(raw.get("orderSellerPrice"), currency) + freight - owed if raw.get("orderSellerPrice") else 0
    to = raw.get("consigneeInfo") or {}
    province, city = plain(to.get("province")), plain(to.get("city"))
    state = STATES.get(status)
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw["orderId"]),
        placed_at=placed_at,
        currency=currency,
        lines=[*goods_lines(lines, owed - freight), *shipping_line(freight)],
        buyer=buyer("open_id", access, raw.get("open_id_buyer"), province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=plain(to.get("fullname")),
            phone=plain(to.get("mobile") or to.get("telephone")),
            address=plain(to.get("fullAddress")),
        ),
        payments=[PaymentDoc(1, text(raw.get("payType")), owed, paid_at)] if paid_at else [],
        version=changed_at,
        channel_status=status,
        paid_minor=owed if paid_at else None,
        # The rest is coupons and beans, borne by the platform or by the shop: the order does not say by whom.
        discounts=discounts(("shop", shop), ("unknown", others)),
        buyer_note=text(raw.get("orderRemark")),
        seller_note=text(raw.get("venderRemark")),
        raw=payload(raw),
        **life(
            state,
            placed_at,
            changed_at,
            paid_at=paid_at,
            dispatched_at=local_time(raw.get("outBoundDate"), access),
            ended_at=local_time(raw.get("orderEndTime"), access),
        ),
    )
