"""Taobao's TOP."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.support.emulators.base import Asked, Emulator, Sold, Told, from_local, hmac_sha256, local, yuan

STATES = {
    "unpaid": "WAIT_BUYER_PAY",
    "paid": "WAIT_SELLER_SEND_GOODS",
    "dispatched": "WAIT_BUYER_CONFIRM_GOODS",
    "cancelled": "TRADE_CLOSED_BY_TAOBAO",
}


def error(code: int, msg: str, sub_code: str = "", sub_msg: str = "") -> Told:
    return Told({"error_response": {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}})


class TaobaoEmulator(Emulator):
    name = "taobao"

    def throttled(self) -> Told:
        return error(7, "App Call Limited", "accesscontrol.limited-by-api-access-count", "ban for 1 second")

    def serve(self, asked: Asked) -> Told:
        form = asked.form
        self.asked.append(form["method"])
        given = form.pop("sign")
        signed = "".join(name + form[name] for name in sorted(form))
        if form["app_key"] != self.app_key or given != hmac_sha256(self.secret, signed).upper():
            return error(25, "Invalid signature")
        if self.is_skewed(from_local(form["timestamp"])):
            return error(23, "Invalid timestamp")
        method = form["method"]
        if method == "taobao.top.auth.token.refresh":
            if form["refresh_token"] != self.refresh:
                return error(41, "Invalid arguments", "isv.refresh-token-expired")
            token, refresh = self.renew()
            expire = int((self.now + timedelta(days=30)).timestamp() * 1000)
            result = json.dumps({"access_token": token, "refresh_token": refresh, "expire_time": expire})
            return Told({"top_auth_token_refresh_response": {"token_result": result}})
        if form.get("session") != self.token:
            return error(27, "Invalid session", "invalid-sessionkey")
        if method == "taobao.trades.sold.increment.get":
            since, until = from_local(form["start_modified"]), from_local(form["end_modified"])
            if until - since > timedelta(days=1):
                return error(41, "Invalid arguments", "isv.invalid-parameter", "more than a day")
            rows = self.changed(since, until)
            page = self.page_of(rows, int(form["page_no"]) - 1, int(form["page_size"]))
            trades = [{"tid": int(sold.number), "tid_str": sold.number} for sold in page]
            found: dict[str, Any] = {"total_results": len(rows)}
            if trades:
                found["trades"] = {"trade": trades}
            return Told({"trades_sold_increment_get_response": found})
        if method == "taobao.trade.fullinfo.get":
            return Told({"trade_fullinfo_get_response": {"trade": raw(self.sold[form["tid"]])}})
        if method == "taobao.item.quantity.update":
            if form["type"] != "1":
                return error(41, "Invalid arguments", "isv.invalid-parameter", "type")
            self.set_stock(form["num_iid"], form.get("sku_id", ""), form["quantity"])
            return Told({"item_quantity_update_response": {"item": {"num_iid": int(form["num_iid"])}}})
        if method == "taobao.logistics.offline.send":
            if self.sold[form["tid"]].state != "paid":
                return error(15, "Remote service error", "isv.trade-status-error", "not to be sent")
            self.ship(form["tid"], form["company_code"], form["out_sid"])
            return Told({"logistics_offline_send_response": {"shipping": {"is_success": True}}})
        return error(22, "Invalid method")


def raw(sold: Sold) -> dict[str, Any]:
    order = {
        "oid": sold.number + "1",
        "title": "连衣裙",
        "num": sold.qty,
        "num_iid": 77,
        "sku_id": "770",
        "outer_sku_id": sold.sku,
        "outer_iid": "P1",
        "price": yuan(sold.price_minor),
        "total_fee": yuan(sold.qty * sold.price_minor),
        "part_mjz_discount": yuan(sold.off_minor),
        "payment": yuan(sold.total_minor),
        "status": STATES[sold.state],
    }
    trade = {
        "tid": int(sold.number),
        "tid_str": sold.number,
        "status": sold.words or STATES[sold.state],
        "created": local(sold.placed_at),
        "modified": local(sold.changed_at),
        "payment": yuan(sold.total_minor),
        "post_fee": yuan(sold.postage_minor),
        "buyer_open_uid": f"uid-{sold.number}",
        "buyer_message": "请尽快",
        "receiver_name": "张**",
        "receiver_mobile": "139****0000",
        "receiver_state": "浙江省",
        "receiver_city": "杭州市",
        "receiver_address": "文*路*号",
        "orders": {"order": [order]},
        "promotion_details": {
            "promotion_detail": [
                {
                    "id": sold.number + "1",
                    "promotion_id": "mjs-1",
                    "promotion_name": "满减",
                    "discount_fee": yuan(sold.off_minor),
                },
                {"id": sold.number, "promotion_id": "post-1", "promotion_name": "包邮", "discount_fee": ""},
            ]
        },
    }
    if sold.state in ("paid", "dispatched"):
        trade["pay_time"] = local(sold.placed_at + timedelta(minutes=1))
    if sold.state == "dispatched":
        trade["consign_time"] = local(sold.changed_at)
    if sold.state == "cancelled":
        trade["end_time"] = local(sold.changed_at)
    return trade
