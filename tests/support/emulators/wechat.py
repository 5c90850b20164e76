"""WeChat's shops."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.emulators.base import Asked, Emulator, Sold, Told, at_second, seconds

STATES = {"unpaid": 10, "paid": 20, "dispatched": 30, "cancelled": 250}


def error(code: int, words: str) -> Told:
    return Told({"errcode": code, "errmsg": words})


class WechatEmulator(Emulator):
    name = "wechat"

    def throttled(self) -> Told:
        return error(45011, "api minute-quota reach limit")

    def serve(self, asked: Asked) -> Told:
        self.asked.append(asked.path)
        body = asked.json
        if asked.path == "/cgi-bin/stable_token":
            if (body["grant_type"], body["appid"], body["secret"]) != ("client_credential", self.app_key, self.secret):
                return error(40125, "invalid appsecret")
            token, _ = self.renew()
            return Told({"access_token": token, "expires_in": 7200})
        if asked.query.get("access_token") != self.token:
            return error(42001, "access_token expired")
        if asked.path == "/channels/ec/order/list/get":
            span = body["update_time_range"]
            since, until = at_second(span["start_time"]), at_second(span["end_time"])
            if until - since > timedelta(days=7) or body["page_size"] > 100:
                return error(31042, "range")
            rows = sorted(self.changed(since, until), key=lambda sold: sold.number)
            after = body.get("next_key", "")
            rest = [sold for sold in rows if sold.number > after]
            page = self.page_of(rest, 0, body["page_size"])
            return Told(
                {
                    "errcode": 0,
                    "errmsg": "ok",
                    "order_id_list": [sold.number for sold in page],
                    "has_more": len(rest) > len(page),
                    "next_key": page[-1].number if page else "",
                }
            )
        if asked.path == "/channels/ec/order/get":
            return Told({"errcode": 0, "errmsg": "ok", "order": raw(self.sold[body["order_id"]])})
        if asked.path == "/channels/ec/product/stock/update":
            if body["diff_type"] != 3:
                return error(10020052, "diff_type")
            self.set_stock(body["product_id"], body["sku_id"], body["num"])
            return Told({"errcode": 0, "errmsg": "ok"})
        if asked.path == "/channels/ec/order/delivery/send":
            sold = self.sold[body["order_id"]]
            delivery = body["delivery_list"][0]
            if sold.state != "paid":
                return error(10060021, "order status not allowed")
            if delivery["product_infos"] != [{"product_id": "77", "sku_id": "770", "product_cnt": sold.qty}]:
                return error(10060014, "product_infos")
            self.ship(body["order_id"], delivery["delivery_id"], delivery["waybill_id"])
            return Told({"errcode": 0, "errmsg": "ok"})
        return error(40066, "invalid url")


def raw(sold: Sold) -> dict[str, Any]:
    is_paid = sold.state in ("paid", "dispatched")
    shop = sold.off_minor - 100
    delivery: dict[str, Any] = {
        "address_info": {
            "user_name": "张**",
            "tel_number": "139****0000",
            "province_name": "浙江省",
            "city_name": "杭州市",
            "detail_info": "文*路",
        },
        "deliver_method": 0,
    }
    if sold.state == "dispatched":
        delivery["ship_done_time"] = seconds(sold.changed_at)
    return {
        "order_id": sold.number,
        "status": int(sold.words or STATES[sold.state]),
        "openid": f"wx-{sold.number}",
        "create_time": seconds(sold.placed_at),
        "update_time": seconds(sold.changed_at),
        "order_detail": {
            "product_infos": [
                {
                    "product_id": "77",
                    "sku_id": "770",
                    "sku_code": sold.sku,
                    "out_product_id": "P1",
                    "title": "连衣裙",
                    "sku_cnt": sold.qty,
                    "sale_price": sold.price_minor,
                    "real_price": sold.goods_minor,
                    "product_unique_id": sold.number + "1",
                }
            ],
            "pay_info": {"payment_method": 1, "pay_time": seconds(sold.placed_at + timedelta(minutes=1))}
            if is_paid
            else {},
            "price_info": {
                "product_price": sold.qty * sold.price_minor,
                "order_price": sold.total_minor,
                "freight": sold.postage_minor,
                "merchant_discounted_price": shop,
                "finder_discounted_price": 40,
                "cash_coupon_discounted_price": 60,
            },
            "delivery_info": delivery,
            "ext_info": {"customer_notes": "请尽快"},
        },
    }
