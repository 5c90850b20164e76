"""The calls of TOP: orders by time of change, one order, stock of a listing, a shipment, a new token."""

from __future__ import annotations

import json
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
)
from tongpan.connectors.platforms.taobao.mapping import document, listed
from tongpan.connectors.platforms.taobao.signing import sign
from tongpan.connectors.platforms.values import text
from tongpan.core.clock import zone
from tongpan.orders.engine import OrderDoc

ORDER_FIELDS = (
    "tid,tid_str,status,created,modified,pay_time,consign_time,end_time,payment,post_fee,total_fee,discount_fee,"
    "buyer_open_uid,buyer_message,seller_memo,receiver_name,receiver_state,receiver_city,receiver_district,"
    "receiver_address,receiver_mobile,receiver_phone,promotion_details,orders.oid,orders.status,orders.title,"
    "orders.num,orders.price,orders.num_iid,orders.sku_id,orders.outer_iid,orders.outer_sku_id,orders.total_fee,"
    "orders.payment,orders.part_mjz_discount,orders.divide_order_fee"
)
# Its clock is that of China, wherever the shop sells.
_ZONE = "Asia/Shanghai"
_TOKEN_CODES = {"26", "27", "53"}
_THROTTLED_CODE = "7"


class Taobao:
    """Signed by HMAC-SHA256 over everything that is sent."""

    name = "taobao"
    title = "Taobao / Tmall"
    endpoint = "https://eco.taobao.com/router/rest"
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "shipment", "part", "refresh"})
    pages: Literal["numbers", "cursor"] = "numbers"
    first_page = 1
    page_size = 50
    longest_window = timedelta(hours=6)
    settling = timedelta(minutes=1)
    calls_per_second = 5.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        return self._call(
            access,
            "taobao.trades.sold.increment.get",
            now,
            fields="tid,modified",
            start_modified=_local(window.since),
            end_modified=_local(window.until),
            page_no=page,
            page_size=str(self.page_size),
        )

    def listed(self, answer: Answer) -> Listed:
        found = answer.data["trades_sold_increment_get_response"]
        trades = listed(found.get("trades"), "trade")
        return Listed(
            numbers=[text(trade.get("tid_str") or trade["tid"]) for trade in trades],
            total=int(found["total_results"]),
        )

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._call(access, "taobao.trade.fullinfo.get", now, fields=ORDER_FIELDS, tid=number)

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["trade_fullinfo_get_response"]["trade"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        return self._call(access, "taobao.top.auth.token.refresh", now, refresh_token=access.refresh_token)

    def token(self, answer: Answer, now: datetime) -> Token:
        found = json.loads(answer.data["top_auth_token_refresh_response"]["token_result"])
        expires_at = datetime.fromtimestamp(int(found["expire_time"]) / 1000, UTC)
        return Token(text(found["access_token"]), text(found.get("refresh_token")), expires_at)

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        sku = {"sku_id": listing.external_sku_id} if listing.external_sku_id else {}
        return self._call(
            access,
            "taobao.item.quantity.update",
            now,
            num_iid=listing.external_item_id,
            quantity=str(qty),
            type="1",  # the whole number, not a change of it
            **sku,
        )

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        part = {"sub_tid": ",".join(parcel.lines), "is_split": "1"} if parcel.is_part else {}
        return self._call(
            access,
            "taobao.logistics.offline.send",
            now,
            tid=parcel.order_number,
            out_sid=parcel.tracking_number,
            company_code=parcel.carrier,
            **part,
        )

    def failure(self, answer: Answer) -> Failure | None:
        found = fields(answer).get("error_response")
        if not found:
            return None
        code, sub_code = text(found.get("code")), text(found.get("sub_code"))
        sentence = f"{text(found.get('msg'))}: {text(found.get('sub_msg') or sub_code)}".strip(": ")
        if code in _TOKEN_CODES:
            return Failure("token", code, sentence)
        if code == _THROTTLED_CODE or "limited" in sub_code:
            return Failure("throttled", sub_code or code, sentence)
        return Failure("temporary" if sub_code.startswith("isp.") else "refused", sub_code or code, sentence)

    def _call(self, access: Access, method: str, now: datetime, **business: str) -> Call:
        """Every parameter that is sent is signed; a refresh is sent without a session."""
        parameters = {
            "method": method,
            "app_key": access.app_key,
            "timestamp": _local(now),
            "format": "json",
            "v": "2.0",
            "sign_method": "hmac-sha256",
            **business,
        }
        if access.access_token and "refresh_token" not in business:
            parameters["session"] = access.access_token
        return Call("POST", access.endpoint, form=parameters | {"sign": sign(parameters, access.app_secret)})


def _local(at: datetime) -> str:
    return at.astimezone(zone(_ZONE)).strftime("%Y-%m-%d %H:%M:%S")
