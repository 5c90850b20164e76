"""The calls of Douyin shops: orders by time of change, one order, stock of a SKU, a shipment, a new token."""

from __future__ import annotations

from datetime import datetime, timedelta
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
)
from tongpan.connectors.platforms.douyin.mapping import document
from tongpan.connectors.platforms.douyin.signing import canonical, sign
from tongpan.connectors.platforms.values import text
from tongpan.core.clock import zone
from tongpan.orders.engine import OrderDoc

_GOOD = {"0", "10000"}
_TOKEN = {"isv.access-token-expired", "isv.access-token-no-existed"}
_ZONE = "Asia/Shanghai"


class Douyin:
    """Signed by HMAC-SHA256 over five parameters; the canonical JSON that is signed is the body that is sent."""

    name = "douyin"
    title = "Douyin"
    endpoint = "https://openapi-fxg.jinritemai.com"
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "shipment", "refresh"})
    pages: Literal["numbers", "cursor"] = "numbers"
    first_page = 0
    page_size = 100
    longest_window = timedelta(days=1)
    settling = timedelta(minutes=1)
    calls_per_second = 5.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        business = {
            "update_time_start": int(window.since.timestamp()),
            "update_time_end": int(window.until.timestamp()),
            "order_by": "update_time",
            "page": int(page),
            "size": self.page_size,
        }
        return self._call(access, "order.searchList", business, now)

    def listed(self, answer: Answer) -> Listed:
        found = answer.data["data"]
        return Listed(orders=list(found.get("shop_order_list") or []), total=int(found["total"]))

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._call(access, "order.orderDetail", {"shop_order_id": number}, now)

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["data"]["shop_order_detail"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        business = {"grant_type": "refresh_token", "refresh_token": access.refresh_token}
        return self._call(access, "token.refresh", business, now)

    def token(self, answer: Answer, now: datetime) -> Token:
        found = answer.data["data"]
        expires_at = now + timedelta(seconds=int(found["expires_in"]))
        return Token(text(found["access_token"]), text(found.get("refresh_token")), expires_at)

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        business = {
            "product_id": int(listing.external_item_id),
            "sku_id": int(listing.external_sku_id),
            "incremental": False,
            "stock_num": qty,
        }
        return self._call(access, "sku.syncStock", business, now)

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        business = {
            "order_id": parcel.order_number,
            "company_code": parcel.carrier,
            "logistics_code": parcel.tracking_number,
        }
        return self._call(access, "order.logisticsAdd", business, now)

    def failure(self, answer: Answer) -> Failure | None:
        data = fields(answer)
        code = text(data.get("code", data.get("err_no", "")))
        if code in _GOOD:
            return None
        sub_code = text(data.get("sub_code"))
        sentence = f"{text(data.get('msg') or data.get('message'))}: {text(data.get('sub_msg'))}".strip(": ")
        if sub_code in _TOKEN:
            return Failure("token", sub_code, sentence)
        if "limit" in sub_code or "flow" in sub_code:
            return Failure("throttled", sub_code, sentence)
        return Failure("temporary" if sub_code.startswith("isp.") else "refused", sub_code or code, sentence)

    def _call(self, access: Access, method: str, business: dict[str, Any], now: datetime) -> Call:
        body = canonical(business)
        signed = {
            "app_key": access.app_key,
            "method": method,
            "param_json": body,
            "timestamp": now.astimezone(zone(_ZONE)).strftime("%Y-%m-%d %H:%M:%S"),
            "v": "2",
        }
        query = {name: value for name, value in signed.items() if name != "param_json"} | {
            "sign": sign(signed, access.app_secret),
            "sign_method": "hmac-sha256",
        }
        if access.access_token and method != "token.refresh":
            query["access_token"] = access.access_token
        url = f"{access.endpoint.rstrip('/')}/{method.replace('.', '/')}"
        headers = {"Content-Type": "application/json;charset=utf-8"}
        return Call("POST", url, query=query, content=body.encode(), headers=headers)
