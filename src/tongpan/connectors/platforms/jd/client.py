"""The calls of JD's routerjson: orders by time of change, one order, stock of a SKU, a shipment, a new token."""

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
    compact,
    fields,
)
from tongpan.connectors.platforms.jd.mapping import document
from tongpan.connectors.platforms.jd.signing import sign
from tongpan.connectors.platforms.values import text
from tongpan.core.clock import zone
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc

ORDER_FIELDS = (
    "orderId,orderState,orderStartTime,orderEndTime,modified,paymentConfirmTime,outBoundDate,payType,orderTotalPrice,"
    "orderSellerPrice,orderPayment,freightPrice,sellerDiscount,orderRemark,venderRemark,consigneeInfo,itemInfoList,"
    "open_id_buyer,waybill,logisticsId"
)
# A state that JD does not know makes the whole call fail, so only those are asked for that programs were seen to ask.
ASKED_STATES = (
    "WAIT_SELLER_STOCK_OUT,WAIT_GOODS_RECEIVE_CONFIRM,WAIT_SELLER_DELIVERY,PAUSE,TRADE_CANCELED,LOCKED,FINISHED_L"
)
TOKEN_ENDPOINT = "https://open-oauth.jd.com/oauth2/refresh_token"  # noqa: S105 - an address
_ZONE = "Asia/Shanghai"
_TOKEN_CODE = "19"  # noqa: S105 - JD's number for an access token that is no longer good


class Jd:
    """Signed by MD5 over six parameters; format and sign_method are not sent at all."""

    name = "jd"
    title = "JD (POP)"
    endpoint = "https://api.jd.com/routerjson"
    abilities: frozenset[Ability] = frozenset({"pull", "stock", "shipment", "refresh"})
    pages: Literal["numbers", "cursor"] = "numbers"
    first_page = 1
    page_size = 100
    longest_window = timedelta(days=1)
    settling = timedelta(minutes=1)
    calls_per_second = 3.0

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        return self._call(
            access,
            "jingdong.pop.order.search",
            {
                "start_date": _local(window.since),
                "end_date": _local(window.until),
                "order_state": ASKED_STATES,
                "optional_fields": ORDER_FIELDS,
                "page": page,
                "page_size": str(self.page_size),
                "sortType": "1",
                "dateType": "0",  # by the time of change
            },
            now,
        )

    def listed(self, answer: Answer) -> Listed:
        found = answer.data["jingdong_pop_order_search_responce"]["searchorderinfo_result"]
        return Listed(orders=list(found.get("orderInfoList") or []), total=int(found["orderTotal"]))

    def get_order(self, access: Access, number: str, now: datetime) -> Call:
        business = {"order_id": number, "optional_fields": ORDER_FIELDS}
        return self._call(access, "jingdong.pop.order.get", business, now)

    def order(self, answer: Answer) -> dict[str, Any]:
        found: dict[str, Any] = answer.data["jingdong_pop_order_get_responce"]["orderDetailInfo"]["orderInfo"]
        return found

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        return document(raw, access)

    def refresh_token(self, access: Access, now: datetime) -> Call:
        form = {
            "app_key": access.app_key,
            "app_secret": access.app_secret,
            "grant_type": "refresh_token",
            "refresh_token": access.refresh_token,
        }
        return Call("POST", access.options.get("token_endpoint", TOKEN_ENDPOINT), form=form)

    def token(self, answer: Answer, now: datetime) -> Token:
        found = answer.data
        expires_at = now + timedelta(seconds=int(found["expires_in"]))
        return Token(text(found["access_token"]), text(found.get("refresh_token")), expires_at)

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call:
        stock = {"skuId": int(listing.external_sku_id or listing.external_item_id), "stockNum": qty}
        return self._call(access, "jingdong.ware.stock.sku.set", {"req": {"skuStocks": [stock]}}, now)

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        if not parcel.carrier.isdigit():
            raise Refusal(
                "push.carrier",
                f"JD names carriers by number: say which is {parcel.carrier!r} by the account's option "
                f"carrier.{parcel.carrier}.",
            )
        business = {
            "orderId": int(parcel.order_number),
            "logiCoprId": int(parcel.carrier),
            "logiNo": parcel.tracking_number,
        }
        return self._call(access, "jingdong.pop.order.shipment", business, now)

    def failure(self, answer: Answer) -> Failure | None:
        data = fields(answer)
        found = data.get("error_response")
        if found:
            code = text(found.get("code"))
            sentence = text(found.get("zh_desc") or found.get("en_desc"))
            return Failure("token" if code == _TOKEN_CODE else "refused", code, sentence)
        if "access_token" in data:
            return None
        for wrapped in data.values():
            failed = _failed(wrapped) if isinstance(wrapped, dict) else None
            if failed:
                return failed
        return None

    def _call(self, access: Access, method: str, business: dict[str, Any], now: datetime) -> Call:
        parameters = {
            "method": method,
            "app_key": access.app_key,
            "access_token": access.access_token,
            "timestamp": _with_zone(now),
            "v": "2.0",
            "360buy_param_json": compact(dict(sorted(business.items()))),
        }
        return Call("POST", access.endpoint, form=parameters | {"sign": sign(parameters, access.app_secret)})


def _failed(wrapped: dict[str, Any]) -> Failure | None:
    """A good HTTP answer may still say that the business failed, one level further in."""
    for name in ("searchorderinfo_result", "orderDetailInfo", "sopjosshipment_result", "returnType"):
        inner = wrapped.get(name)
        if isinstance(inner, dict):
            result = inner.get("apiResult", inner)
            if isinstance(result, dict) and result.get("success") is False:
                code = text(result.get("numberCode") or result.get("errorCode") or result.get("code"))
                return Failure("refused", code, text(result.get("chineseErrCode") or result.get("message")))
            rows = (inner.get("obj") or {}).get("updateStockResult") if isinstance(inner.get("obj"), dict) else None
            for row in rows or []:
                if row.get("success") is False:
                    return Failure("refused", "stock", text(row.get("message")))
    return None


def _local(at: datetime) -> str:
    return at.astimezone(zone(_ZONE)).strftime("%Y-%m-%d %H:%M:%S")


def _with_zone(at: datetime) -> str:
    here = at.astimezone(zone(_ZONE))
    return f"{here:%Y-%m-%d %H:%M:%S}.{here.microsecond // 1000:03d}{here:%z}"
