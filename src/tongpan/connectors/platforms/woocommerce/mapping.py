"""A WooCommerce order, as REST v3 gives it, as the order hub takes it."""

from __future__ import annotations

from typing import Any

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.values import State, buyer, iso_time, life, minor, needed, payload, sku_code, text
from tongpan.orders.engine import DiscountDoc, LineDoc, OrderDoc, PaymentDoc, ShipTo

STATES: dict[str, State] = {
    "checkout-draft": "unpaid",
    "pending": "unpaid",
    "on-hold": "unpaid",
    "failed": "unpaid",
    "processing": "paid",
    "completed": "completed",
    "cancelled": "cancelled",
    "refunded": "cancelled",
    "trash": "cancelled",
}


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is decimal text; times are the UTC twins (``_gmt``). A coupon's share is subtotal less total of a line."""
    status, currency = text(raw["status"]), text(raw["currency"])
    placed_at = needed(iso_time(raw.get("date_created_gmt")), "date_created_gmt")
    changed_at, paid_at = iso_time(raw.get("date_modified_gmt")), iso_time(raw.get("date_paid_gmt"))
    lines: list[LineDoc] = []
    shares: list[DiscountDoc] = []
    coupons = [text(coupon.get("code")) for coupon in raw.get("coupon_lines") or []]
    for row in raw["line_items"]:
        amount = minor(row["total"], currency)
        off = minor(row.get("subtotal"), currency) - amount
        if off > 0:
            shares.append(DiscountDoc("shop", off, len(lines), coupons[0] if len(coupons) == 1 else ""))
        lines.append(
            LineDoc(
                "goods",
                sku_code(row.get("sku"), row.get("product_id"), row.get("variation_id")),
                text(row.get("name")),
                int(row["quantity"]),
                amount,
                line_key=text(row.get("id")),
            )
        )
    charges = [
        ("SHIPPING", minor(raw.get("shipping_total"), currency)),
        ("TAX", minor(raw.get("total_tax"), currency)),
        *((text(fee.get("name")) or "FEE", minor(fee.get("total"), currency)) for fee in raw.get("fee_lines") or []),
    ]
    total = minor(raw["total"], currency)
    rest = total - sum(line.amount_minor for line in lines) - sum(amount for _, amount in charges)
    for code, amount in [*charges, ("OTHER", rest)]:
        if amount:
            lines.append(LineDoc("charge", code, code.capitalize(), 1, amount))
    billing = raw.get("billing") or {}
    shipping = raw.get("shipping") or {}
    to = shipping if any(text(value) for value in shipping.values()) else billing
    province, city = text(to.get("state")), text(to.get("city"))
    name = " ".join(part for part in (text(billing.get("first_name")), text(billing.get("last_name"))) if part)
    guest = text(raw.get("customer_id")) in ("", "0")
    who, kind = (billing.get("email"), "email") if guest else (raw.get("customer_id"), "customer")
    state = STATES.get(status)
    method = text(raw.get("payment_method"))
    ended_at = iso_time(raw.get("date_completed_gmt"))
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw["id"]),
        placed_at=placed_at,
        currency=currency,
        lines=lines,
        buyer=buyer(kind, access, who, name=name, province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=" ".join(part for part in (text(to.get("first_name")), text(to.get("last_name"))) if part),
            phone=text(to.get("phone") or billing.get("phone")),
            address=" ".join(part for part in (text(to.get("address_1")), text(to.get("address_2"))) if part),
        ),
        payments=[PaymentDoc(1, method, total, paid_at)] if paid_at else [],
        version=changed_at,
        channel_status=status,
        paid_minor=total if paid_at else None,
        refunded_minor=sum(abs(minor(refund.get("total"), currency)) for refund in raw.get("refunds") or []),
        discounts=shares,
        buyer_note=text(raw.get("customer_note")),
        raw=payload(raw),
        **life(state, placed_at, changed_at, paid_at=paid_at, ended_at=ended_at),
    )
