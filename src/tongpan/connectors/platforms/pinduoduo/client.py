"""The calls of Pinduoduo: orders by time of change, one order, stock of a SKU, a shipment, a new token."""

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
from tongpan.connectors.platforms.pinduoduo.mapping import document
from tongpan.connectors.platforms.pinduoduo.signing import sign
from tongpan.connectors.platforms.values import text
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc

_TOKEN = {"10019", "10035"}
_THROTTLED = {"70031", "70032", "52101", "52102", "52103"}
_TEMPORARY = {"50000"}


class Pinduoduo:
    """Signed by MD5 over everything that is sent; the time is in seconds."""

    name = "pinduoduo"
    title = "Pinduoduo"
    endpoint = "https://gw-api.pinduoduo.com/api/router"
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "shipment", "refresh"})
    pages: Literal["numbers", "cursor"] = "numbers"
    first_page = 1
    page_size = 100
    longest_window = timedelta(minutes=30)
    settling = timedelta(minutes=3)
    calls_per_second = 5.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        return self._call(
            access,
            "pdd.order.number.list.increment.get",
            now,
            is_lucky_flag="0",
            order_status="5",
            refund_status="5",
            start_updated_at=str(int(window.since.timestamp())),
            end_updated_at=str(int(window.until.timestamp())),
            page=page,
            page_size=str(self.page_size),
        )

    def listed(self, answer: Answer) -> Listed:
        found = answer.data["order_sn_increment_get_response"]
        return Listed(orders=list(found.get("order_sn_list") or []), total=int(found["total_count"]))

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._call(access, "pdd.order.information.get", now, order_sn=number)

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["order_info_get_response"]["order_info"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        return self._call(access, "pdd.pop.auth.token.refresh", now, refresh_token=access.refresh_token)

    def token(self, answer: Answer, now: datetime) -> Token:
        found = answer.data["pop_auth_token_refresh_response"]
        expires_at = now + timedelta(seconds=int(found["expires_in"]))
        return Token(text(found["access_token"]), text(found.get("refresh_token")), expires_at)

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        return self._call(
            access,
            "pdd.goods.quantity.update",
            now,
            goods_id=listing.external_item_id,
            sku_id=listing.external_sku_id,
            quantity=str(qty),
            update_type="1",  # the whole number, not a change of it
        )

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        if not parcel.carrier.isdigit():
            raise Refusal(
                "push.carrier",
                f"Pinduoduo names carriers by number: say which is {parcel.carrier!r} by the account's option "
                f"carrier.{parcel.carrier}.",
            )
        return self._call(
            access,
            "pdd.logistics.online.send",
            now,
            order_sn=parcel.order_number,
            logistics_id=parcel.carrier,
            tracking_number=parcel.tracking_number,
        )

    def failure(self, answer: Answer) -> Failure | None:
        data = fields(answer)
        found = data.get("error_response")
        if found:
            code = text(found.get("error_code"))
            sentence = f"{text(found.get('error_msg'))}: {text(found.get('sub_msg'))}".strip(": ")
            if code in _TOKEN:
                return Failure("token", code, sentence)
            if code in _THROTTLED:
                return Failure("throttled", code, sentence)
            return Failure("temporary" if code in _TEMPORARY else "refused", code, sentence)
        for name in ("goods_quantity_update_response", "logistics_online_send_response"):
            if isinstance(data.get(name), dict) and data[name].get("is_success") is False:
                return Failure("refused", name, "Pinduoduo says that it was not done, and not why.")
        return None

    def _call(self, access: Access, method: str, now: datetime, **business: str) -> Call:
        parameters = {
            "type": method,
            "client_id": access.app_key,
            "timestamp": str(int(now.timestamp())),
            "data_type": "JSON",
            **business,
        }
        if access.access_token and "refresh_token" not in business:
            parameters["access_token"] = access.access_token
        return Call("POST", access.endpoint, form=parameters | {"sign": sign(parameters, access.app_secret)})
