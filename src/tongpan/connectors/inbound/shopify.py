"""A Shopify order as its webhooks give it (the REST form, other than the GraphQL form that is pulled). Pure."""

from __future__ import annotations

from typing import Any

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.values import (
    State,
    buyer,
    iso_time,
    life,
    minor,
    needed,
    payload,
    sku_code,
    text,
)
from tongpan.orders.engine import DiscountDoc, LineDoc, OrderDoc, PaymentDoc, ShipTo

_UNPAID = {"pending", "authorized", "expired", "voided", "partially_paid"}
_PAID = {"paid", "partially_refunded", "refunded"}
_HERE = {"", "partial", "restocked"}


def state_of(raw: dict[str, Any]) -> State | None:
    """What was paid and what was sent, as one state; None for a word that is not known."""
    paid, sent = text(raw.get("financial_status")), text(raw.get("fulfillment_status"))
    if paid not in _UNPAID | _PAID or sent not in _HERE | {"fulfilled"}:
        return None
    if raw.get("cancelled_at"):
        return "cancelled"
    if sent == "fulfilled":
        return "dispatched"
    return "paid" if paid in _PAID else "unpaid"


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is decimal text in the shop's currency. Raises KeyError, TypeError or ValueError for an unreadable one."""
    currency = text(raw["currency"])
    placed_at = needed(iso_time(raw.get("created_at")), "created_at")
    changed_at, paid_at = iso_time(raw.get("updated_at")), iso_time(raw.get("processed_at"))
    lines: list[LineDoc] = []
    shares: list[DiscountDoc] = []
    for row in raw["line_items"]:
        qty = int(row["quantity"])
        off = sum(minor(part.get("amount"), currency) for part in row.get("discount_allocations") or [])
        if off > 0:
            shares.append(DiscountDoc("shop", off, len(lines)))
        code = sku_code(row.get("sku"), row.get("product_id"), row.get("variant_id")) or text(row["id"])
        amount = minor(row["price"], currency) * qty - off
        name = text(row.get("name") or row.get("title"))
        lines.append(LineDoc("goods", code, name, qty, amount, line_key=text(row["id"])))
    total = minor(raw["total_price"], currency)
    tax = 0 if raw.get("taxes_included") else minor(raw.get("total_tax"), currency)
    shipping = sum(minor(one.get("price"), currency) for one in raw.get("shipping_lines") or [])
    rest = total - sum(line.amount_minor for line in lines) - tax - shipping
    # Tips, duties and discounts on shipping are in the total and in none of the lines.
    for code, amount in (("shipping", shipping), ("tax", tax), ("other", rest)):
        if amount:
            lines.append(LineDoc("charge", code, code, 1, amount))
    state = state_of(raw)
    to, customer = raw.get("shipping_address") or {}, raw.get("customer") or {}
    province, city = text(to.get("province")), text(to.get("city"))
    person = " ".join(part for part in (text(customer.get("first_name")), text(customer.get("last_name"))) if part)
    sent = [at for one in raw.get("fulfillments") or [] if (at := iso_time(one.get("created_at")))]
    is_paid = state in ("paid", "dispatched")
    method = ",".join(text(name) for name in raw.get("payment_gateway_names") or [])
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=text(raw["id"]),
        placed_at=placed_at,
        currency=currency,
        lines=lines,
        buyer=buyer("customer", access, customer.get("id"), name=person, province=province, city=city),
        ship_to=ShipTo(
            province,
            city,
            recipient=text(to.get("name")),
            phone=text(to.get("phone")),
            address=" ".join(part for part in (text(to.get("address1")), text(to.get("address2"))) if part),
        ),
        payments=[PaymentDoc(1, method, total, paid_at)] if is_paid and total > 0 else [],
        version=changed_at,
        channel_status=f"{text(raw.get('financial_status'))}/{text(raw.get('fulfillment_status'))}",
        paid_minor=total if is_paid else None,
        discounts=shares,
        buyer_note=text(raw.get("note")),
        tags=tuple(tag.strip() for tag in text(raw.get("tags")).split(",") if tag.strip()),
        raw=payload(raw),
        **life(
            state,
            placed_at,
            changed_at,
            paid_at=paid_at if is_paid else None,
            dispatched_at=max(sent) if sent else None,
            ended_at=iso_time(raw.get("cancelled_at")),
        ),
    )
