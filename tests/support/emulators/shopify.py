"""Shopify's GraphQL Admin API, as far as the connector asks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.emulators.base import Asked, Emulator, Sold, Told, yuan

STATES = {
    "unpaid": ("PENDING", "UNFULFILLED"),
    "paid": ("PAID", "UNFULFILLED"),
    "dispatched": ("PAID", "FULFILLED"),
    "cancelled": ("VOIDED", "UNFULFILLED"),
}


class ShopifyEmulator(Emulator):
    name = "shopify"

    def throttled(self) -> Told:
        cost = {"requestedQueryCost": 100, "throttleStatus": {"currentlyAvailable": 50, "restoreRate": 50}}
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return Told({"errors": [error], "extensions": {"cost": cost}})

    def serve(self, asked: Asked) -> Told:
        if not re.fullmatch(r"/admin/api/\d{4}-\d\d/graphql\.json", asked.path):
            return Told({"errors": "Not Found"}, 404)
        if asked.headers.get("x-shopify-access-token") != self.token:
            return Told({"errors": "[API] Invalid API key or access token"}, 401)
        query, values = asked.json["query"], asked.json["variables"]
        if query.count("{") != query.count("}"):
            return Told({"errors": [{"message": "Parse error"}]})
        if "orders(" in query:
            self.asked.append("orders")
            since = datetime.fromisoformat(re.fullmatch(r"updated_at:>='(.+)'", values["query"])[1])  # type: ignore[index]
            rows = list(reversed(self.changed(since, datetime.now(UTC) + timedelta(days=1))))
            after = int(values["after"] or 0)
            page = self.page_of(rows[after:], 0, values["first"])
            info = {"hasNextPage": after + len(page) < len(rows), "endCursor": str(after + len(page))}
            return Told({"data": {"orders": {"nodes": [raw(sold) for sold in page], "pageInfo": info}}})
        if "order(" in query:
            self.asked.append("order")
            sold = self.sold[values["id"].rsplit("/", 1)[1]]
            status = "OPEN" if sold.state == "paid" else "CLOSED"
            nodes = [{"id": f"gid://shopify/FulfillmentOrder/{sold.number}", "status": status}]
            return Told({"data": {"order": raw(sold) | {"fulfillmentOrders": {"nodes": nodes}}}})
        if "fulfillmentCreate(" in query:
            self.asked.append("fulfillmentCreate")
            value = values["fulfillment"]
            number = value["lineItemsByFulfillmentOrder"][0]["fulfillmentOrderId"].rsplit("/", 1)[1]
            errors = []
            if self.sold[number].state != "paid":
                errors = [
                    {"field": ["fulfillment"], "message": "Invalid fulfillment order line item quantity requested."}
                ]
            else:
                self.ship(number, value["trackingInfo"]["company"], value["trackingInfo"]["number"])
            return Told({"data": {"fulfillmentCreate": {"fulfillment": {"id": "1"}, "userErrors": errors}}})
        if "inventorySetQuantities(" in query:
            self.asked.append("inventorySetQuantities")
            if "@idempotent(key: $key)" not in query or not values["key"]:
                return Told({"errors": [{"message": "The @idempotent directive is required"}]})
            for one in values["input"]["quantities"]:
                if "changeFromQuantity" not in one:
                    return Told({"errors": [{"message": "changeFromQuantity is required"}]})
                self.set_stock(
                    one["inventoryItemId"].rsplit("/", 1)[1], one["locationId"].rsplit("/", 1)[1], one["quantity"]
                )
            return Told({"data": {"inventorySetQuantities": {"userErrors": []}}})
        return Told({"errors": [{"message": "Field doesn't exist"}]})


def money(minor: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": yuan(minor), "currencyCode": "CNY"}}


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def raw(sold: Sold) -> dict[str, Any]:
    paid, sent = STATES[sold.state]
    is_paid = sold.state in ("paid", "dispatched")
    return {
        "id": f"gid://shopify/Order/{sold.number}",
        "name": f"#{sold.number}",
        "createdAt": iso(sold.placed_at),
        "updatedAt": iso(sold.changed_at),
        "processedAt": iso(sold.placed_at + timedelta(minutes=1)),
        "cancelledAt": iso(sold.changed_at) if sold.state == "cancelled" else None,
        "displayFinancialStatus": sold.words or paid,
        "displayFulfillmentStatus": sent,
        "taxesIncluded": True,
        "note": "请尽快",
        "tags": ["vip"],
        "paymentGatewayNames": ["shopify_payments"],
        "totalPriceSet": money(sold.total_minor),
        "totalTaxSet": money(0),
        "totalShippingPriceSet": money(sold.postage_minor),
        "totalReceivedSet": money(sold.total_minor if is_paid else 0),
        "totalRefundedSet": money(0),
        "customer": {"id": f"gid://shopify/Customer/9{sold.number}", "displayName": "Ada Lovelace"},
        "shippingAddress": {
            "name": "Ada Lovelace",
            "phone": "+86 571 0000 0000",
            "address1": "文一路 1 号",
            "address2": None,
            "city": "杭州市",
            "province": "浙江省",
        },
        "fulfillments": [{"createdAt": iso(sold.changed_at)}] if sold.state == "dispatched" else [],
        "lineItems": {
            "nodes": [
                {
                    "id": f"gid://shopify/LineItem/{sold.number}1",
                    "name": "连衣裙",
                    "sku": sold.sku,
                    "quantity": sold.qty,
                    "variant": {"id": "gid://shopify/ProductVariant/770"},
                    "product": {"id": "gid://shopify/Product/77"},
                    "originalTotalSet": money(sold.qty * sold.price_minor),
                    "discountAllocations": [{"allocatedAmountSet": money(sold.off_minor)}],
                }
            ],
            "pageInfo": {"hasNextPage": False},
        },
    }
