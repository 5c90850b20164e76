"""A Youzan trade as the order hub takes it."""

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
from tongpan.orders.engine import DiscountDoc, LineDoc, OrderDoc, PaymentDoc, ShipTo

STATES: dict[str, State] = {
    "WAIT_BUYER_PAY": "unpaid",
    # Paid, but a group is not complete or the seller has not taken the order: it must not be sent.
    "TRADE_PAID": "unpaid",
    "WAIT_CONFIRM": "unpaid",
    "WAIT_SELLER_SEND_GOODS": "paid",
    "WAIT_BUYER_CONFIRM_GOODS": "dispatched",
    "TRADE_SUCCESS": "completed",
    "TRADE_CLOSED": "cancelled",
}


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is yuan in text. Youzan has spread discounts over the lines already: its shares are taken."""
    info, pay = raw["order_info"], raw["pay_info"]
    currency = access.currency
    status = text(info["status"])
    placed_at = needed(local_time(info.get("created"), access), "created")
    changed_at, paid_at = local_time(info.get("update_time"), access), local_time(info.get("pay_time"), access)
    rows = raw["orders"]
    owed = minor(pay["payment"], currency)
    lines: list[LineDoc] = []
    shares: list[DiscountDoc] = []
    for row in rows:
        amount = minor(row["payment"], currency)
        full = to_minor(decimal(row["price"]) * int(row["num"]), currency)
        shares += discounts(("unknown", full - amount), line=len(lines))
        lines.append(
            LineDoc(
                "goods",
                sku_code(row.get("outer_sku_id") or row.get("outer_item_id"), row.get("item_id"), row.get("sku_id")),
                text(row.get("title")),
                int(row["num"]),
                amount,
                unit_price=decimal(row["price"]),
                line_key=text(row.get("oid")),
                product_code=text(row.get("outer_item_id")),
            )
        )
    # The payment of the lines may or may not hold the postage: what the whole is more than they are is postage.
    postage = min(max(owed - sum(line.amount_minor for line in lines), 0), minor(pay.get("post_fee"), currency))
    to, who, remark = raw.get("address_info") or {}, raw.get("buyer_info") or {}, raw.get("remark_info") or {}
    province, city = plain(to.get("delivery_province")), plain(to.get("delivery_city"))
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(info["tid"]),
        placed_at=placed_at,
        currency=currency,
        lines=[*goods_lines(lines, owed - postage), *shipping_line(postage)],
        buyer=buyer("open_id", access, who.get("yz_open_id"), province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=plain(to.get("receiver_name")),
            phone=plain(to.get("receiver_tel")),
            address=plain(to.get("delivery_address")),
        ),
        payments=[PaymentDoc(1, text(info.get("pay_type_str")), owed, paid_at)] if paid_at else [],
        version=changed_at,
        channel_status=status,
        paid_minor=owed if paid_at else None,
        discounts=shares,
        buyer_note=text(remark.get("buyer_message")),
        seller_note=text(remark.get("trade_memo")),
        raw=payload(raw),
        **life(
            STATES.get(status),
            placed_at,
            changed_at,
            paid_at=paid_at,
            dispatched_at=local_time(info.get("consign_time"), access),
            ended_at=local_time(info.get("success_time"), access),
        ),
    )
