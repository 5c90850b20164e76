"""The calls of Shopify's GraphQL Admin API: orders by time of change, one order, stock of a variant, a shipment."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tongpan.connectors.platforms.contract import (
    Ability,
    Access,
    Answer,
    Call,
    Failure,
    Listed,
    ListingRef,
    Parcel,
    Token,
    Window,
    fields,
    json_call,
)
from tongpan.connectors.platforms.shopify.mapping import document
from tongpan.connectors.platforms.values import text
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc

API_VERSION = "2026-07"
_MONEY = "{ shopMoney { amount currencyCode } }"
_ORDER = f"""
  id name createdAt updatedAt processedAt cancelledAt displayFinancialStatus displayFulfillmentStatus
  taxesIncluded note tags paymentGatewayNames
  totalPriceSet {_MONEY} totalTaxSet {_MONEY} totalShippingPriceSet {_MONEY}
  totalReceivedSet {_MONEY} totalRefundedSet {_MONEY}
  customer {{ id displayName }}
  shippingAddress {{ name phone address1 address2 city province }}
  fulfillments {{ createdAt }}
  lineItems(first: 100) {{ nodes {{
    id name sku quantity variant {{ id }} product {{ id }}
    originalTotalSet {_MONEY} discountAllocations {{ allocatedAmountSet {_MONEY} }}
  }} pageInfo {{ hasNextPage }} }}
"""
LIST = f"""query ($query: String!, $first: Int!, $after: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ {_ORDER} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
ONE = f"""query ($id: ID!) {{
  order(id: $id) {{ {_ORDER} fulfillmentOrders(first: 20) {{ nodes {{ id status }} }} }}
}}"""
FULFIL = """mutation ($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field message } }
}"""
SET_STOCK = """mutation ($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field message } }
}"""
_OPEN = {"OPEN", "IN_PROGRESS"}


class Shopify:
    """Not signed: the shop's access token travels in a header. It does not expire."""

    name = "shopify"
    title = "Shopify"
    endpoint = ""
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "shipment"})
    pages: Literal["numbers", "cursor"] = "cursor"
    first_page = 0
    page_size = 25
    longest_window = timedelta(days=7)
    settling = timedelta(minutes=1)
    calls_per_second = 2.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        # The end is left open on purpose: an order that changes while the pages are read must not fall out of them.
        variables = {"query": f"updated_at:>='{_utc(window.since)}'", "first": self.page_size, "after": page or None}
        return self._call(access, LIST, variables)

    def listed(self, answer: Answer) -> Listed:
        found = answer.data["data"]["orders"]
        info = found["pageInfo"]
        return Listed(orders=list(found["nodes"]), next_page=text(info["endCursor"]) if info["hasNextPage"] else "")

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._call(access, ONE, {"id": f"gid://shopify/Order/{number}"})

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["data"]["order"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        if ((raw["lineItems"].get("pageInfo")) or {}).get("hasNextPage"):
            raise ValueError("The order has more than 100 lines; such orders are taken from the export file.")
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        raise Refusal("account.no_refresh", "Shopify's access tokens do not expire; there is nothing to refresh.")

    def token(self, answer: Answer, now: datetime) -> Token:
        raise Refusal("account.no_refresh", "Shopify's access tokens do not expire; there is nothing to refresh.")

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        """external_item_id is the variant's inventory item; the location is an option of the account."""
        location = access.options.get("location", "")
        if not location:
            raise Refusal(
                "push.location",
                "Shopify keeps stock by location: give the location's number as the account's option location.",
            )
        quantity = {
            "inventoryItemId": f"gid://shopify/InventoryItem/{listing.external_item_id}",
            "locationId": f"gid://shopify/Location/{location}",
            "quantity": qty,
            # Whatever is there now: the number that was published last is the truth.
            "changeFromQuantity": None,
        }
        value = {"name": "available", "reason": "correction", "quantities": [quantity]}
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{access.endpoint} {quantity} {now.isoformat()}"))
        return self._call(access, SET_STOCK, {"input": value, "key": key})

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        nodes = (order.get("fulfillmentOrders") or {}).get("nodes") or []
        waiting = [node["id"] for node in nodes if node["status"] in _OPEN]
        if not waiting:
            raise Refusal("push.lines", f"Shopify's order {parcel.order_number} has nothing that waits to be sent.")
        fulfilment = {
            "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": one} for one in waiting],
            "trackingInfo": {"company": parcel.carrier, "number": parcel.tracking_number},
        }
        return self._call(access, FULFIL, {"fulfillment": fulfilment})

    def failure(self, answer: Answer) -> Failure | None:
        if answer.status == 401:
            return Failure("token", "401", "Shopify does not know this access token.")
        data = fields(answer)
        for error in data.get("errors") or [] if isinstance(data.get("errors"), list) else []:
            code = text((error.get("extensions") or {}).get("code"))
            if code == "THROTTLED":
                return Failure("throttled", code, text(error.get("message")), _restored_in(data))
            return Failure("refused", code or "graphql", text(error.get("message")))
        for result in (data.get("data") or {}).values():
            for error in (result or {}).get("userErrors") or [] if isinstance(result, dict) else []:
                return Failure("refused", "user_error", text(error.get("message")))
        return None

    def _call(self, access: Access, query: str, variables: dict[str, Any]) -> Call:
        version = access.options.get("api_version", API_VERSION)
        url = f"{access.endpoint.rstrip('/')}/admin/api/{version}/graphql.json"
        headers = {"X-Shopify-Access-Token": access.access_token}
        return json_call("POST", url, {"query": query, "variables": variables}, headers=headers)


def _restored_in(data: dict[str, Any]) -> float:
    """Seconds until the cost of the query is there again, as the answer lets it be reckoned."""
    cost = (data.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    missing = float(cost.get("requestedQueryCost") or 0) - float(status.get("currentlyAvailable") or 0)
    rate = float(status.get("restoreRate") or 0)
    return max(1.0, missing / rate) if rate else 1.0


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
