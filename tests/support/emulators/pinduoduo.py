"""Pinduoduo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.emulators.base import (
    Asked,
    Emulator,
    Sold,
    Told,
    at_second,
    local,
    md5_upper,
    wrapped,
    yuan,
)

STATES = {"unpaid": (0, 1, 1), "paid": (1, 1, 1), "dispatched": (1, 2, 1), "cancelled": (2, 1, 4)}


def error(code: int, words: str) -> Told:
    return Told({"error_response": {"error_code": code, "error_msg": words, "sub_msg": words}})


class PinduoduoEmulator(Emulator):
    name = "pinduoduo"

    def throttled(self) -> Told:
        return error(70031, "调用过于频繁，请调整调用频率")

    def serve(self, asked: Asked) -> Told:
        form = asked.form
        method = form["type"]
        self.asked.append(method)
        given = form.pop("sign")
        if form["client_id"] != self.app_key or given != md5_upper(wrapped(form, self.secret)):
            return error(20004, "签名sign校验失败")
        if self.is_skewed(at_second(form["timestamp"])):
            return error(20005, "timestamp")
        if method == "pdd.pop.auth.token.refresh":
            if form["refresh_token"] != self.refresh:
                return error(10012, "refresh_token")
            token, refresh = self.renew()
            answer = {"access_token": token, "refresh_token": refresh, "expires_in": 86400}
            return Told({"pop_auth_token_refresh_response": answer})
        if form.get("access_token") != self.token:
            return error(10019, "access_token已过期")
        if method == "pdd.order.number.list.increment.get":
            since, until = at_second(form["start_updated_at"]), at_second(form["end_updated_at"])
            if until - since > timedelta(minutes=30):
                return error(50002, "30 minutes")
            rows = self.changed(since, until)
            page = self.page_of(rows, int(form["page"]) - 1, int(form["page_size"]))
            found = {"total_count": len(rows), "order_sn_list": [raw(sold) for sold in page]}
            return Told({"order_sn_increment_get_response": found})
        if method == "pdd.order.information.get":
            return Told({"order_info_get_response": {"order_info": raw(self.sold[form["order_sn"]])}})
        if method == "pdd.goods.quantity.update":
            if form["update_type"] != "1":
                return error(10001, "update_type")
            self.set_stock(form["goods_id"], form["sku_id"], form["quantity"])
            return Told({"goods_quantity_update_response": {"is_success": True}})
        if method == "pdd.logistics.online.send":
            if self.sold[form["order_sn"]].state != "paid":
                return error(50001, "订单已发货")
            self.ship(form["order_sn"], form["logistics_id"], form["tracking_number"])
            return Told({"logistics_online_send_response": {"is_success": True}})
        return error(10008, "type")


def raw(sold: Sold) -> dict[str, Any]:
    is_paid = sold.state in ("paid", "dispatched")
    confirmed, sent, refunded = STATES[sold.state]
    return {
        "order_sn": sold.number,
        "confirm_status": int(sold.words or confirmed),
        "order_status": sent,
        "refund_status": refunded,
        "risk_control_status": 0,
        "created_time": local(sold.placed_at),
        "updated_at": local(sold.changed_at),
        "pay_time": local(sold.placed_at + timedelta(minutes=1)) if is_paid else "",
        "shipping_time": local(sold.changed_at) if sold.state == "dispatched" else "",
        "pay_type": "WEIXIN",
        "pay_amount": yuan(sold.total_minor),
        "goods_amount": yuan(sold.qty * sold.price_minor),
        "discount_amount": yuan(sold.off_minor),
        "platform_discount": yuan(100),
        "seller_discount": yuan(sold.off_minor - 100),
        "capital_free_discount": "0.00",
        "postage": yuan(sold.postage_minor),
        "buyer_memo": "请尽快",
        "province": "浙江省",
        "city": "杭州市",
        "receiver_name": "~AgAAAAGi~0~",
        "receiver_phone": "~AgAAAAGi~1~",
        "receiver_address": "~AgAAAAGi~2~",
        "item_list": [
            {
                "goods_id": 77,
                "sku_id": 770,
                "outer_id": sold.sku,
                "outer_goods_id": "P1",
                "goods_name": "连衣裙",
                "goods_spec": "红色",
                "goods_price": yuan(sold.price_minor),
                "goods_count": sold.qty,
            }
        ],
    }
