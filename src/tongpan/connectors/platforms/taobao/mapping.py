"""A trade of Taobao or Tmall as the order hub takes it."""

from __future__ import annotations

from typing import Any

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.values import (
    State,
    buyer,
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
from tongpan.orders.engine import DiscountDoc, LineDoc, OrderDoc, PaymentDoc, ShipTo

STATES: dict[str, State] = {
    "TRADE_NO_CREATE_PAY": "unpaid",
    "WAIT_BUYER_PAY": "unpaid",
    "PAY_PENDING": "unpaid",
    "WAIT_PRE_AUTH_CONFIRM": "unpaid",
    # Paid, but must not be sent: a group that is not complete, or goods that the platform controls.
    "PAID_FORBID_CONSIGN": "unpaid",
    "WAIT_SELLER_SEND_GOODS": "paid",
    "SELLER_CONSIGNED_PART": "paid",
    "WAIT_BUYER_CONFIRM_GOODS": "dispatched",
    "TRADE_BUYER_SIGNED": "delivered",
    "TRADE_FINISHED": "completed",
    "TRADE_CLOSED": "cancelled",
    "TRADE_CLOSED_BY_TAOBAO": "cancelled",
}


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is yuan in text. A trade with one order has its postage in the order's payment: the trade's counts."""
    status = text(raw["status"])
    placed_at = needed(local_time(raw.get("created"), access), "time of creation")
    changed_at = local_time(raw.get("modified"), access)
    paid_at = local_time(raw.get("pay_time"), access)
    currency = access.currency
    rows = listed(raw.get("orders"), "order")
    postage = minor(raw.get("post_fee"), currency)
    paid = minor(raw["payment"], currency)
    lines = [
        LineDoc(
            "goods",
            sku_code(row.get("outer_sku_id") or row.get("outer_iid"), row.get("num_iid"), row.get("sku_id")),
            text(row.get("title")),
            int(row["num"]),
            minor(row.get("total_fee"), currency) - minor(row.get("part_mjz_discount"), currency),
            line_key=text(row.get("oid")),
            product_code=text(row.get("outer_iid")),
        )
        for row in rows
    ]
    province, city = plain(raw.get("receiver_state")), plain(raw.get("receiver_city") or raw.get("receiver_district"))
    state = STATES.get(status)
    facts = life(
        state,
        placed_at,
        changed_at,
        paid_at=paid_at,
        dispatched_at=local_time(raw.get("consign_time"), access),
        ended_at=local_time(raw.get("end_time"), access),
    )
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw.get("tid_str") or raw["tid"]),
        placed_at=placed_at,
        currency=currency,
        lines=[*goods_lines(lines, paid - postage), *shipping_line(postage)],
        buyer=buyer("open_uid", access, raw.get("buyer_open_uid"), province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=plain(raw.get("receiver_name")),
            phone=plain(raw.get("receiver_mobile") or raw.get("receiver_phone")),
            address=plain(raw.get("receiver_address")),
        ),
        payments=[PaymentDoc(1, "alipay", paid, paid_at)] if paid_at and state != "unpaid" else [],
        version=changed_at,
        channel_status=status,
        paid_minor=paid if paid_at else None,
        discounts=_discounts(raw, rows, currency),
        buyer_note=text(raw.get("buyer_message")),
        seller_note=text(raw.get("seller_memo")),
        raw=payload(raw),
        **facts,
    )


def listed(value: Any, name: str) -> list[dict[str, Any]]:
    """TOP wraps a list in an object named after its items; an empty one may be missing."""
    found = value.get(name) if isinstance(value, dict) else value
    return list(found or [])


def _discounts(raw: dict[str, Any], rows: list[dict[str, Any]], currency: str) -> list[DiscountDoc]:
    """TOP names each promotion and its amount, not who bears it."""
    position = {text(row.get("oid")): at for at, row in enumerate(rows)}
    return [
        DiscountDoc(
            "unknown",
            amount,
            position.get(text(found.get("id"))),
            text(found.get("promotion_id")),
            text(found.get("promotion_name")),
        )
        for found in listed(raw.get("promotion_details"), "promotion_detail")
        if (amount := minor(found.get("discount_fee"), currency)) > 0
    ]
