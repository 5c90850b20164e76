"""The calls of WooCommerce's REST v3: orders by time of change, one order, stock and price of a product, completing."""

from __future__ import annotations

import base64
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
    json_call,
)
from tongpan.connectors.platforms.values import text
from tongpan.connectors.platforms.woocommerce.mapping import document
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc


class WooCommerce:
    """Not signed: consumer key and secret travel by HTTP Basic, over TLS."""

    name = "woocommerce"
    title = "WooCommerce"
    endpoint = ""
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "price", "shipment"})
    pages: Literal["numbers", "cursor"] = "numbers"
    first_page = 1
    page_size = 50
    longest_window = timedelta(days=7)
    settling = timedelta(minutes=1)
    calls_per_second = 3.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        # modified_after excludes its instant.
        query = {
            "modified_after": _utc(window.since - timedelta(seconds=1)),
            "modified_before": _utc(window.until),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "desc",
            "per_page": str(self.page_size),
            "page": page,
        }
        return self._get(access, "orders", query)

    def listed(self, answer: Answer) -> Listed:
        return Listed(orders=list(answer.data), total=int(answer.headers["x-wp-total"]))

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._get(access, f"orders/{number}", {})

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        raise Refusal("account.no_refresh", "WooCommerce is called by key and secret, which do not expire.")

    def token(self, answer: Answer, now: datetime) -> Token:
        raise Refusal("account.no_refresh", "WooCommerce is called by key and secret, which do not expire.")

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        return self._put(access, _product(listing), {"manage_stock": True, "stock_quantity": qty})

    def set_price(self, access: Access, listing: ListingRef, amount: str, now: datetime) -> Call:
        """The regular price; a sale price that the shop has set stays."""
        return self._put(access, _product(listing), {"regular_price": amount})

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        """WooCommerce itself knows no shipments: the order is completed, and its number of tracking stays here."""
        return self._put(access, f"orders/{parcel.order_number}", {"status": "completed"})

    def failure(self, answer: Answer) -> Failure | None:
        if answer.status < 400:
            return None
        data = answer.data if isinstance(answer.data, dict) else {}
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            return Failure("refused", text(data.get("code")) or str(answer.status), text(data.get("message")))
        return None

    def _get(self, access: Access, path: str, query: dict[str, str]) -> Call:
        return Call("GET", _url(access, path), query=query, headers=_key(access))

    def _put(self, access: Access, path: str, value: dict[str, Any]) -> Call:
        return json_call("PUT", _url(access, path), value, headers=_key(access))


def _product(listing: ListingRef) -> str:
    path = f"products/{listing.external_item_id}"
    return f"{path}/variations/{listing.external_sku_id}" if listing.external_sku_id else path


def _url(access: Access, path: str) -> str:
    return f"{access.endpoint.rstrip('/')}/wp-json/wc/v3/{path}"


def _key(access: Access) -> dict[str, str]:
    pair = base64.b64encode(f"{access.app_key}:{access.app_secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
