"""The calls of WeChat shops: orders by time of change, one order, stock of a SKU, a shipment, the stable token."""

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
    json_call,
)
from tongpan.connectors.platforms.values import text
from tongpan.connectors.platforms.wechat.mapping import document
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc

_TOKEN = {"40001", "40014", "42001"}
_THROTTLED = {"45009", "45011"}
_BUSY = "-1"


class WechatShop:
    """Not signed: every call carries the access token, which is asked for with app id and secret."""

    name = "wechat"
    title = "WeChat shop"
    endpoint = "https://api.weixin.qq.com"
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "shipment", "part", "refresh"})
    pages: Literal["numbers", "cursor"] = "cursor"
    first_page = 0
    page_size = 100
    longest_window = timedelta(days=1)
    settling = timedelta(minutes=1)
    calls_per_second = 5.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        body: dict[str, Any] = {
            "update_time_range": {
                "start_time": int(window.since.timestamp()),
                "end_time": int(window.until.timestamp()),
            },
            "page_size": self.page_size,
        }
        # The cursor is handed back as it came, with everything else unchanged.
        return self._call(access, "/channels/ec/order/list/get", body | ({"next_key": page} if page else {}))

    def listed(self, answer: Answer) -> Listed:
        found = answer.data
        following = text(found.get("next_key")) if found.get("has_more") else ""
        return Listed(numbers=[text(number) for number in found.get("order_id_list") or []], next_page=following)

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._call(access, "/channels/ec/order/get", {"order_id": number})

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["order"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        body = {"grant_type": "client_credential", "appid": access.app_key, "secret": access.app_secret}
        return json_call("POST", f"{access.endpoint.rstrip('/')}/cgi-bin/stable_token", body)

    def token(self, answer: Answer, now: datetime) -> Token:
        found = answer.data
        return Token(text(found["access_token"]), "", now + timedelta(seconds=int(found["expires_in"])))

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        body = {
            "product_id": listing.external_item_id,
            "sku_id": listing.external_sku_id,
            "diff_type": 3,  # set; 1 adds and 2 takes away, which cannot be sent twice
            "num": qty,
        }
        return self._call(access, "/channels/ec/product/stock/update", body)

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        goods = [
            {"product_id": text(row["product_id"]), "sku_id": text(row["sku_id"]), "product_cnt": units}
            for row in order["order_detail"]["product_infos"]
            if (units := _units(row, parcel))
        ]
        if not goods:
            raise Refusal("push.lines", f"None of the goods of the parcel are in WeChat's order {parcel.order_number}.")
        delivery = {
            "delivery_id": parcel.carrier,
            "waybill_id": parcel.tracking_number,
            "deliver_type": 1,
            "product_infos": goods,
        }
        body = {"order_id": parcel.order_number, "delivery_list": [delivery]}
        return self._call(access, "/channels/ec/order/delivery/send", body)

    def failure(self, answer: Answer) -> Failure | None:
        code = text(fields(answer).get("errcode"))
        if code in ("", "0"):
            return None
        sentence = text(fields(answer).get("errmsg"))
        if code in _TOKEN:
            return Failure("token", code, sentence)
        if code in _THROTTLED:
            return Failure("throttled", code, sentence)
        return Failure("temporary" if code == _BUSY else "refused", code, sentence)

    def _call(self, access: Access, path: str, body: dict[str, Any]) -> Call:
        url = f"{access.endpoint.rstrip('/')}{path}"
        return json_call("POST", url, body, query={"access_token": access.access_token})


def _units(row: dict[str, Any], parcel: Parcel) -> int:
    if not parcel.is_part:
        return int(row["sku_cnt"])
    return parcel.lines.get(text(row.get("product_unique_id") or row.get("sku_id")), 0)
