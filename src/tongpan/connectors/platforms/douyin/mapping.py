"""An order of a Douyin shop as the order hub takes it."""

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
    "1": "unpaid",
    "105": "paid",
    "2": "paid",
    "101": "paid",
    "3": "dispatched",
    "4": "cancelled",
    "5": "completed",
}
"""1 waits for payment, 105 is paid, 2 is being prepared, 101 sent in part, 3 sent, 4 cancelled, 5 completed."""


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is fen. What a discount costs is given for the shop, the platform and the influencer apart."""
    status = text(raw["order_status"])
    placed_at = needed(unix_time(raw.get("create_time")), "create_time")
    changed_at, paid_at = unix_time(raw.get("update_time")), unix_time(raw.get("pay_time"))
    rows = raw["sku_order_list"]
    postage, paid = fen(raw.get("post_amount")), fen(raw["pay_amount"])
    lines = [
        LineDoc(
            "goods",
            sku_code(
                row.get("code") or row.get("out_sku_id"),
                row.get("product_id_str") or row.get("product_id"),
                row.get("sku_id"),
            ),
            text(row.get("product_name")),
            int(row["item_num"]),
            fen(row.get("pay_amount")) - fen(row.get("post_amount")),
            line_key=text(row.get("order_id")),
            product_code=text(row.get("out_product_id") or ""),
        )
        for row in rows
    ]
    shares = [
        share
        for at, row in enumerate(rows)
        for share in discounts(
            ("shop", fen(row.get("shop_cost_amount"))),
            ("platform", fen(row.get("only_platform_cost_amount"))),
            ("influencer", fen(row.get("author_cost_amount"))),
            line=at,
        )
    ]
    to = raw.get("post_addr") or {}
    province, city = _name(to.get("province")), _name(to.get("city"))
    state = STATES.get(status)
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw["order_id"]),
        placed_at=placed_at,
        currency=access.currency,
        lines=[*goods_lines(lines, paid - postage), *shipping_line(postage)],
        buyer=buyer("open_id", access, raw.get("doudian_open_id"), province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=plain(raw.get("post_receiver")),
            phone=plain(raw.get("post_tel")),
            address=plain(to.get("detail")),
        ),
        payments=[PaymentDoc(1, text(raw.get("pay_type")), paid, paid_at)] if paid_at else [],
        version=changed_at,
        channel_status=status,
        promised_at=unix_time(raw.get("exp_ship_time")),
        paid_minor=paid if paid_at else None,
        discounts=shares,
        buyer_note=text(raw.get("buyer_words")),
        seller_note=text(raw.get("seller_words")),
        raw=payload(raw),
        **life(
            state,
            placed_at,
            changed_at,
            paid_at=paid_at,
            dispatched_at=unix_time(raw.get("ship_time")),
            ended_at=unix_time(raw.get("finish_time")),
        ),
    )


def _name(part: Any) -> str:
    return plain(part.get("name")) if isinstance(part, dict) else ""
