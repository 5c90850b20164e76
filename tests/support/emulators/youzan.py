"""Youzan."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.emulators.base import Asked, Emulator, Sold, Told, from_local, local, yuan

STATES = {
    "unpaid": "WAIT_BUYER_PAY",
    "paid": "WAIT_SELLER_SEND_GOODS",
    "dispatched": "WAIT_BUYER_CONFIRM_GOODS",
    "cancelled": "TRADE_CLOSED",
}


def error(code: int, words: str) -> Told:
    return Told({"gw_err_resp": {"err_code": code, "err_msg": words}})


def good(data: Any) -> Told:
    return Told({"success": True, "code": 200, "message": "", "data": data})


class YouzanEmulator(Emulator):
    name = "youzan"

    def throttled(self) -> Told:
        return Told({}, 429, {"Retry-After": "1"})

    def serve(self, asked: Asked) -> Told:
        self.asked.append(asked.path)
        body = asked.json
        if asked.path == "/auth/token":
            if (body["client_id"], body["client_secret"], body["authorize_type"]) != (
                self.app_key,
                self.secret,
                "refresh_token",
            ) or body["refresh_token"] != self.refresh:
                return Told({"success": False, "code": 400, "message": "bad refresh_token"})
            token, refresh = self.renew()
            expires = int((self.now + timedelta(days=7)).timestamp() * 1000)
            return good({"access_token": token, "refresh_token": refresh, "expires": expires})
        if "access_token" not in asked.query:
            return error(4201, "非法的请求凭证")
        if asked.query["access_token"] != self.token:
            return error(4203, "Token 不存在")
        if asked.path == "/api/youzan.trades.sold.get/4.0.4":
            if not (1 <= body["page_no"] <= 100 and 1 <= body["page_size"] <= 100):
                return Told({"success": False, "code": 5001, "message": "page"})
            rows = self.changed(from_local(body["start_update"]), from_local(body["end_update"]))
            page = self.page_of(rows, body["page_no"] - 1, body["page_size"])
            return good(
                {"total_results": len(rows), "full_order_info_list": [{"full_order_info": raw(sold)} for sold in page]}
            )
        if asked.path == "/api/youzan.trade.get/4.0.2":
            return good({"full_order_info": raw(self.sold[body["tid"]])})
        if asked.path == "/api/youzan.logistics.online.confirm/3.0.0":
            if self.sold[body["tid"]].state != "paid":
                return Told({"success": False, "code": 101305001, "message": "订单状态不允许发货"})
            self.ship(body["tid"], body["out_stype"], body["out_sid"])
            return good({"is_success": True})
        return error(4005, "非法的API")


def raw(sold: Sold) -> dict[str, Any]:
    is_paid = sold.state in ("paid", "dispatched")
    return {
        "order_info": {
            "tid": sold.number,
            "status": sold.words or STATES[sold.state],
            "created": local(sold.placed_at),
            "update_time": local(sold.changed_at),
            "pay_time": local(sold.placed_at + timedelta(minutes=1)) if is_paid else "",
            "consign_time": local(sold.changed_at) if sold.state == "dispatched" else "",
            "success_time": "",
            "pay_type_str": "WEIXIN",
        },
        "pay_info": {
            "total_fee": yuan(sold.qty * sold.price_minor),
            "post_fee": yuan(sold.postage_minor),
            "payment": yuan(sold.total_minor),
        },
        "buyer_info": {"yz_open_id": f"yz-{sold.number}", "buyer_phone": "$eTS8t8hAECdXKgNt==$1$"},
        "remark_info": {"buyer_message": "请尽快", "trade_memo": ""},
        "address_info": {
            "receiver_name": "$Qn/ZHaMby1Mz==$1$",
            "receiver_tel": "$eTS8t8hAECdX==$1$",
            "delivery_province": "浙江省",
            "delivery_city": "杭州市",
            "delivery_address": "$kZgIwkQL5Q0O==$1$",
        },
        "orders": [
            {
                "oid": sold.number + "1",
                "title": "连衣裙",
                "num": sold.qty,
                "item_id": 77,
                "sku_id": 770,
                "outer_sku_id": sold.sku,
                "outer_item_id": "P1",
                "price": yuan(sold.price_minor),
                "total_fee": yuan(sold.qty * sold.price_minor),
                "payment": yuan(sold.goods_minor),
            }
        ],
    }
