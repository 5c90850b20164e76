"""A Shopify order, as the GraphQL Admin API gives it, as the order hub takes it."""

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

_UNPAID = {"PENDING", "AUTHORIZED", "EXPIRED", "VOIDED", "PARTIALLY_PAID"}
_PAID = {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"}
_SENT = {"FULFILLED"}
_HERE = {
    "UNFULFILLED",
    "PARTIALLY_FULFILLED",
    "PARTIAL",
    "IN_PROGRESS",
    "ON_HOLD",
    "OPEN",
    "PENDING_FULFILLMENT",
    "SCHEDULED",
    "RESTOCKED",
    "REQUEST_DECLINED",
}


def state_of(raw: dict[str, Any]) -> State | None:
    """Two words tell it: what was paid, and what was sent. A word that is not known makes the order unknown."""
    paid, sent = text(raw.get("displayFinancialStatus")), text(raw.get("displayFulfillmentStatus"))
    if paid not in _UNPAID | _PAID or sent not in _SENT | _HERE:
        return None
    if raw.get("cancelledAt"):
        return "cancelled"
    if sent in _SENT:
        return "dispatched"
    return "paid" if paid in _PAID else "unpaid"


def document(raw: dict[str, Any], access: Access) -> OrderDoc:
    """Money is decimal text in the shop's currency. Discounts are the shop's own."""
    currency = text(raw["totalPriceSet"]["shopMoney"]["currencyCode"])
    placed_at = needed(iso_time(raw.get("createdAt")), "createdAt")
    changed_at, paid_at = iso_time(raw.get("updatedAt")), iso_time(raw.get("processedAt"))
    lines: list[LineDoc] = []
    shares: list[DiscountDoc] = []
    for row in raw["lineItems"]["nodes"]:
        off = sum(
            minor(part["allocatedAmountSet"]["shopMoney"]["amount"], currency)
            for part in row.get("discountAllocations") or []
        )
        if off > 0:
            shares.append(DiscountDoc("shop", off, len(lines)))
        variant, product = row.get("variant") or {}, row.get("product") or {}
        lines.append(
            LineDoc(
                "goods",
                sku_code(row.get("sku"), _number(product.get("id")), _number(variant.get("id"))) or _number(row["id"]),
                text(row.get("name") or row.get("title")),
                int(row["quantity"]),
                minor(row["originalTotalSet"]["shopMoney"]["amount"], currency) - off,
                line_key=_number(row["id"]),
            )
        )
    total = _money(raw, "totalPriceSet", currency)
    tax = 0 if raw.get("taxesIncluded") else _money(raw, "totalTaxSet", currency)
    shipping = _money(raw, "totalShippingPriceSet", currency)
    rest = total - sum(line.amount_minor for line in lines) - tax - shipping
    # Tips, duties and discounts on shipping are in the total and in none of the lines.
    for code, amount in (("SHIPPING", shipping), ("TAX", tax), ("OTHER", rest)):
        if amount:
            lines.append(LineDoc("charge", code, code.capitalize(), 1, amount))
    state = state_of(raw)
    to = raw.get("shippingAddress") or {}
    province, city = text(to.get("province")), text(to.get("city"))
    customer = raw.get("customer") or {}
    sent = [at for found in raw.get("fulfillments") or [] if (at := iso_time(found.get("createdAt")))]
    received = _money(raw, "totalReceivedSet", currency)
    is_paid = state in ("paid", "dispatched") and received > 0
    return OrderDoc(
        shop_code=access.shop_code,
        external_id=_number(raw["id"]),
        placed_at=placed_at,
        currency=currency,
        lines=lines,
        buyer=buyer(
            "customer",
            access,
            _number(customer.get("id")),
            name=text(customer.get("displayName")),
            province=province,
            city=city,
        ),
        ship_to=ShipTo(
            province,
            city,
            recipient=text(to.get("name")),
            phone=text(to.get("phone")),
            address=" ".join(part for part in (text(to.get("address1")), text(to.get("address2"))) if part),
        ),
        payments=[PaymentDoc(1, ",".join(raw.get("paymentGatewayNames") or []), received, paid_at)] if is_paid else [],
        version=changed_at,
        channel_status=f"{text(raw.get('displayFinancialStatus'))}/{text(raw.get('displayFulfillmentStatus'))}",
        paid_minor=received if is_paid else None,
        refunded_minor=_money(raw, "totalRefundedSet", currency),
        discounts=shares,
        buyer_note=text(raw.get("note")),
        tags=tuple(text(tag) for tag in raw.get("tags") or []),
        raw=payload(raw),
        **life(
            state,
            placed_at,
            changed_at,
            paid_at=paid_at if is_paid else None,
            dispatched_at=max(sent) if sent else None,
            ended_at=iso_time(raw.get("cancelledAt")),
        ),
    )


def _money(raw: dict[str, Any], name: str, currency: str) -> int:
    return minor(((raw.get(name) or {}).get("shopMoney") or {}).get("amount"), currency)


def _number(global_id: Any) -> str:
    """The number at the end of ``gid://shopify/Order/123``."""
    return text(global_id).rsplit("/", 1)[-1]
