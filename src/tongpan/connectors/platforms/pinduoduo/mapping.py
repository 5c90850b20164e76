"""An order of a Pinduoduo shop as the order hub takes it."""

from __future__ import annotations

from typing import Any

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.values import (
    State,
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

_SENT: dict[str, State] = {"1": "paid", "2": "dispatched", "3": "completed"}
_REFUNDED = "4"
_DEALT, _DROPPED, _OPEN = "1", "2", "0"


def state_of(raw: dict[str, Any]) -> State | None:
    """Its state is spread over three fields: whether the deal was made, what was refunded, what was sent.

    A group that is not complete, and an order that the platform examines, must not be sent.
    """
    dealt, sent = text(raw.get("confirm_status", _DEALT)), text(raw["order_status"])
    if dealt not in (_DEALT, _DROPPED, _OPEN) or sent not in _SENT:
        return None
    if dealt == _DROPPED or (text(raw.get("refund_status")) == _REFUNDED and sent == "1"):
        return "cancelled"
    if dealt == _OPEN or text(raw.get("risk_control_status")) == "1":
        return "unpaid"
    return _SENT[sent]


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is yuan in text. Names, phones and addresses are ciphertext outside the platform's cloud: left out."""
    currency = access.currency
    placed_at = needed(local_time(raw.get("created_time") or raw.get("confirm_time"), access), "created_time")
    changed_at, paid_at = local_time(raw.get("updated_at"), access), local_time(raw.get("pay_time"), access)
    postage, paid = minor(raw.get("postage"), currency), minor(raw["pay_amount"], currency)
    lines = [
        LineDoc(
            "goods",
            sku_code(row.get("outer_id"), row.get("goods_id"), row.get("sku_id")),
            f"{text(row.get('goods_name'))} {text(row.get('goods_spec'))}".strip(),
            int(row["goods_count"]),
            to_minor(decimal(row["goods_price"]) * int(row["goods_count"]), currency),
            unit_price=decimal(row["goods_price"]),
            line_key=text(row.get("sku_id")),
            product_code=text(row.get("outer_goods_id")),
        )
        for row in raw["item_list"]
    ]
    state = state_of(raw)
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw["order_sn"]),
        placed_at=placed_at,
        currency=currency,
        lines=[*goods_lines(lines, paid - postage), *shipping_line(postage)],
        ship_to=ShipTo(
            plain(raw.get("province")),
            plain(raw.get("city")),
            recipient=plain(raw.get("receiver_name")),
            phone=plain(raw.get("receiver_phone")),
            address=plain(raw.get("receiver_address") or raw.get("address")),
        ),
        payments=[PaymentDoc(1, text(raw.get("pay_type")), paid, paid_at)] if paid_at else [],
        version=changed_at,
        channel_status="/".join(
            f"{name}={text(raw.get(name))}" for name in ("confirm_status", "order_status", "refund_status")
        ),
        promised_at=local_time(raw.get("last_ship_time"), access),
        paid_minor=paid if paid_at else None,
        discounts=discounts(
            ("platform", minor(raw.get("platform_discount"), currency)),
            ("shop", minor(raw.get("seller_discount"), currency)),
            ("unknown", minor(raw.get("capital_free_discount"), currency)),
        ),
        buyer_note=text(raw.get("buyer_memo")),
        seller_note=text(raw.get("remark")),
        raw=payload(raw),
        **life(
            state,
            placed_at,
            changed_at,
            paid_at=paid_at,
            dispatched_at=local_time(raw.get("shipping_time"), access),
            delivered_at=local_time(raw.get("receive_time"), access),
            ended_at=local_time(raw.get("receive_time"), access),
        ),
    )
