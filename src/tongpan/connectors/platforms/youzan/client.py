"""The calls of Youzan: orders by time of change, one order, a shipment, a new token."""

from __future__ import annotations

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
from tongpan.connectors.platforms.values import as_local, text
from tongpan.connectors.platforms.youzan.mapping import document
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc

_TOKEN = {"4201", "4202", "4203"}
_GOOD = "200"


class Youzan:
    """Not signed: the access token travels in the query; in a header or the body it is not seen."""

    name = "youzan"
    title = "Youzan"
    endpoint = "https://open.youzanyun.com"
    abilities: frozenset[Ability] = frozenset({"pull", "shipment", "part", "refresh"})
    pages: Literal["numbers", "cursor"] = "numbers"
    first_page = 1
    page_size = 100
    longest_window = timedelta(hours=6)
    # Its lists lag behind its orders; it advises half a minute.
    settling = timedelta(minutes=1)
    calls_per_second = 5.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        body = {
            "start_update": as_local(window.since, access),
            "end_update": as_local(window.until, access),
            "page_no": int(page),
            "page_size": self.page_size,
        }
        return self._call(access, "youzan.trades.sold.get/4.0.4", body)

    def listed(self, answer: Answer) -> Listed:
        found = answer.data["data"]
        orders = [row["full_order_info"] for row in found.get("full_order_info_list") or []]
        return Listed(orders=orders, total=int(found["total_results"]))

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        return self._call(access, "youzan.trade.get/4.0.2", {"tid": number})

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["data"]["full_order_info"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        """With a refresh token by it; an app of the shop's own asks anew ("silent") for its shop number."""
        body = {"client_id": access.app_key, "client_secret": access.app_secret}
        if access.refresh_token:
            body |= {"authorize_type": "refresh_token", "refresh_token": access.refresh_token}
        else:
            body |= {"authorize_type": "silent", "grant_id": access.options.get("kdt_id", "")}
        return json_call("POST", f"{access.endpoint.rstrip('/')}/auth/token", body)

    def token(self, answer: Answer, now: datetime) -> Token:
        found = answer.data["data"]
        expires_at = datetime.fromtimestamp(int(found["expires"]) / 1000, UTC)
        return Token(text(found["access_token"]), text(found.get("refresh_token")), expires_at)

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        raise Refusal(
            "push.unsupported",
            'Stock is not pushed to Youzan: public sources contradict each other on the number that means "set" in '
            "youzan.item.quantity.update, and the other one adds to what is there.",
        )

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        body = {"tid": parcel.order_number, "out_stype": parcel.carrier, "out_sid": parcel.tracking_number}
        if parcel.is_part:
            body["oids"] = ",".join(parcel.lines)
        return self._call(access, "youzan.logistics.online.confirm/3.0.0", body)

    def failure(self, answer: Answer) -> Failure | None:
        data = fields(answer)
        gateway = data.get("gw_err_resp")
        if gateway:
            code = text(gateway.get("err_code"))
            return Failure("token" if code in _TOKEN else "refused", code, text(gateway.get("err_msg")))
        code = text(data.get("code"))
        if data.get("success") is False or (code and code != _GOOD):
            return Failure("refused", code, text(data.get("message")))
        return None

    def _call(self, access: Access, path: str, body: dict[str, Any]) -> Call:
        url = f"{access.endpoint.rstrip('/')}/api/{path}"
        return json_call("POST", url, body, query={"access_token": access.access_token})
