"""Douyin's shops."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.support.emulators.base import (
    Asked,
    Emulator,
    Sold,
    Told,
    at_second,
    from_local,
    hmac_sha256,
    seconds,
)

STATES = {"unpaid": 1, "paid": 2, "dispatched": 3, "cancelled": 4}


def error(code: int, sub_code: str, words: str = "no") -> Told:
    return Told({"code": code, "msg": words, "sub_code": sub_code, "sub_msg": words, "data": None})


def good(data: Any) -> Told:
    return Told({"code": 10000, "msg": "success", "data": data})


class DouyinEmulator(Emulator):
    name = "douyin"

    def throttled(self) -> Told:
        return error(80000, "isv.api-flow-limit")

    def serve(self, asked: Asked) -> Told:
        query, body = asked.query, asked.body.decode()
        method = query["method"]
        self.asked.append(method)
        if asked.path != "/" + method.replace(".", "/"):
            return error(40004, "isv.method-invalid")
        fixed = f"app_key{query['app_key']}method{method}param_json{body}timestamp{query['timestamp']}v{query['v']}"
        if query["app_key"] != self.app_key or query["sign"] != hmac_sha256(
            self.secret, self.secret + fixed + self.secret
        ):
            return error(40003, "isv.signature-invalid")
        if self.is_skewed(from_local(query["timestamp"])):
            return error(40003, "isv.timestamp-invalid")
        business = json.loads(body)
        if json.dumps(business, sort_keys=True, separators=(",", ":"), ensure_ascii=False) != body:
            return error(40003, "isv.parameter-format-invalid")
        if method == "token.refresh":
            if business["refresh_token"] != self.refresh:
                return error(50001, "dop.token-generate-failed:token-expired")
            token, refresh = self.renew()
            return good({"access_token": token, "refresh_token": refresh, "expires_in": 86400})
        if query.get("access_token") != self.token:
            return error(40003, "isv.access-token-expired")
        if method == "order.searchList":
            rows = self.changed(at_second(business["update_time_start"]), at_second(business["update_time_end"]))
            page = self.page_of(rows, business["page"], business["size"])
            return good({"total": len(rows), "page": business["page"], "shop_order_list": [raw(s) for s in page]})
        if method == "order.orderDetail":
            return good({"shop_order_detail": raw(self.sold[business["shop_order_id"]])})
        if method == "sku.syncStock":
            if business["incremental"]:
                return error(40004, "isv.parameter-invalid")
            self.set_stock(business["product_id"], business["sku_id"], business["stock_num"])
            return good({})
        if method == "order.logisticsAdd":
            if self.sold[business["order_id"]].state != "paid":
                return error(50002, "isv.business-failed:order-status", "订单状态不允许发货")
            self.ship(business["order_id"], business["company_code"], business["logistics_code"])
            return good({"pack_id": "1"})
        return error(40004, "isv.method-invalid")


def raw(sold: Sold) -> dict[str, Any]:
    is_paid = sold.state in ("paid", "dispatched")
    shop = sold.off_minor - 100
    return {
        "order_id": sold.number,
        "order_status": int(sold.words or STATES[sold.state]),
        "create_time": seconds(sold.placed_at),
        "update_time": seconds(sold.changed_at),
        "pay_time": seconds(sold.placed_at + timedelta(minutes=1)) if is_paid else 0,
        "ship_time": seconds(sold.changed_at) if sold.state == "dispatched" else 0,
        "finish_time": seconds(sold.changed_at) if sold.state == "cancelled" else 0,
        "pay_type": 1,
        "pay_amount": sold.total_minor,
        "post_amount": sold.postage_minor,
        "doudian_open_id": f"did-{sold.number}",
        "buyer_words": "请尽快",
        "post_receiver": "##密文##",
        "post_tel": "$$密文$$",
        "post_addr": {"province": {"name": "浙江省"}, "city": {"name": "杭州市"}, "detail": "##密文##"},
        "sku_order_list": [
            {
                "order_id": sold.number + "1",
                "code": sold.sku,
                "product_id": 77,
                "product_id_str": "77",
                "sku_id": 770,
                "product_name": "连衣裙",
                "item_num": sold.qty,
                "pay_amount": sold.total_minor,
                "post_amount": sold.postage_minor,
                "shop_cost_amount": shop,
                "only_platform_cost_amount": 60,
                "author_cost_amount": 40,
            }
        ],
    }
