"""An order of a WeChat shop as the order hub takes it."""

from __future__ import annotations

from typing import Any

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.values import (
    State,
    buyer,
    discounts,
    fen,
    goods_lines,
    life,
    needed,
    payload,
    plain,
    shipping_line,
    sku_code,
    text,
    unix_time,
)
from tongpan.orders.engine import LineDoc, OrderDoc, PaymentDoc, ShipTo

STATES: dict[str, State] = {
    "10": "unpaid",
    # A present that is not taken yet, and a group that is not complete, must not be sent.
    "12": "unpaid",
    "13": "unpaid",
    "20": "paid",
    "21": "paid",
    "30": "dispatched",
    "100": "completed",
    "200": "cancelled",
    "250": "cancelled",
}
_PRIZE, _POINTS = "3", "4"


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is fen. Draws and orders for points have a time of payment, but nothing was paid."""
    status = text(raw["status"])
    detail = raw["order_detail"]
    price, pay = detail["price_info"], detail.get("pay_info") or {}
    delivery = detail.get("delivery_info") or {}
    placed_at = needed(unix_time(raw.get("create_time")), "create_time")
    changed_at, paid_at = unix_time(raw.get("update_time")), unix_time(pay.get("pay_time"))
    is_changed = bool(price.get("is_change_freight"))
    freight = fen(price.get("change_freight") if is_changed else price.get("freight"))
    owed = fen(price["order_price"])
    rows = detail["product_infos"]
    lines = [
        LineDoc(
            "goods",
            sku_code(row.get("sku_code") or row.get("out_sku_id"), row.get("product_id"), row.get("sku_id")),
            text(row.get("title")),
            int(row["sku_cnt"]),
            fen(row.get("real_price")),
            line_key=text(row.get("product_unique_id") or row.get("sku_id")),
            product_code=text(row.get("out_product_id")),
        )
        for row in rows
    ]
    to = delivery.get("address_info") or {}
    province, city = plain(to.get("province_name")), plain(to.get("city_name"))
    method = text(pay.get("payment_method"))
    is_money = paid_at is not None and method not in (_PRIZE, _POINTS)
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw["order_id"]),
        placed_at=placed_at,
        currency=access.currency,
        lines=[*goods_lines(lines, owed - freight), *shipping_line(freight)],
        buyer=buyer("openid", access, raw.get("openid"), province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=plain(to.get("user_name")),
            phone=plain(to.get("tel_number")),
            address=plain(to.get("detail_info")),
        ),
        payments=[PaymentDoc(1, method, owed, paid_at)] if is_money else [],
        version=changed_at,
        channel_status=status,
        paid_minor=owed if is_money else None,
        discounts=discounts(
            ("shop", fen(price.get("merchant_discounted_price", price.get("discounted_price")))),
            ("influencer", fen(price.get("finder_discounted_price"))),
            ("platform", fen(price.get("cash_coupon_discounted_price"))),
            # Points, membership, group purchase and state subsidies: the order does not say who bears them.
            ("unknown", fen(price.get("deduction_price"))),
            ("unknown", fen(price.get("vip_discounted_price"))),
            ("unknown", fen(price.get("bulkbuy_discounted_price"))),
            ("unknown", fen(price.get("national_subsidy_discounted_price"))),
        ),
        buyer_note=text((detail.get("ext_info") or {}).get("customer_notes")),
        seller_note=text((detail.get("ext_info") or {}).get("merchant_notes")),
        raw=payload(raw),
        **life(
            STATES.get(status),
            placed_at,
            changed_at,
            paid_at=paid_at,
            dispatched_at=unix_time(delivery.get("ship_done_time")),
        ),
    )
