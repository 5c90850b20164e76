"""JD's routerjson."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from tests.support.emulators.base import Asked, Emulator, Sold, Told, from_local, local, md5_upper, wrapped, yuan

STATES = {
    "unpaid": "NOT_PAY",
    "paid": "WAIT_SELLER_STOCK_OUT",
    "dispatched": "WAIT_GOODS_RECEIVE_CONFIRM",
    "cancelled": "TRADE_CANCELED",
}
SIGNED = ("360buy_param_json", "access_token", "app_key", "method", "timestamp", "v")


def error(code: str, zh: str) -> Told:
    return Told({"error_response": {"code": code, "zh_desc": zh, "en_desc": zh}})


class JdEmulator(Emulator):
    name = "jd"

    def throttled(self) -> Told:
        return Told("", 429, {"Retry-After": "1"})

    def serve(self, asked: Asked) -> Told:
        form = asked.form
        if asked.path == "/oauth2/refresh_token":
            self.asked.append("refresh")
            if (form["app_key"], form["app_secret"], form["refresh_token"]) != (
                self.app_key,
                self.secret,
                self.refresh,
            ):
                return error("10100", "refresh_token")
            token, refresh = self.renew()
            return Told({"access_token": token, "refresh_token": refresh, "expires_in": 86400, "code": 0})
        method = form["method"]
        self.asked.append(method)
        if set(form) - set(SIGNED) != {"sign"}:
            return error("11", f"参数 {sorted(form)}")
        signed = {name: form[name] for name in SIGNED}
        if form["app_key"] != self.app_key or form["sign"] != md5_upper(wrapped(signed, self.secret)):
            return error("12", "无效签名")
        if self.is_skewed(datetime.strptime(form["timestamp"], "%Y-%m-%d %H:%M:%S.%f%z")):
            return error("14", "时间戳")
        if form["access_token"] != self.token:
            return error("19", "token已过期或者不存在，请重新授权")
        business = json.loads(form["360buy_param_json"])
        done = {"apiResult": {"success": True}}
        if method == "jingdong.pop.order.search":
            rows = self.changed(from_local(business["start_date"]), from_local(business["end_date"]))
            page = self.page_of(rows, int(business["page"]) - 1, int(business["page_size"]))
            found = done | {"orderTotal": len(rows), "orderInfoList": [raw(sold) for sold in page]}
            return Told({"jingdong_pop_order_search_responce": {"code": "0", "searchorderinfo_result": found}})
        if method == "jingdong.pop.order.get":
            found = done | {"orderInfo": raw(self.sold[business["order_id"]])}
            return Told({"jingdong_pop_order_get_responce": {"code": "0", "orderDetailInfo": found}})
        if method == "jingdong.ware.stock.sku.set":
            for stock in business["req"]["skuStocks"]:
                self.set_stock("77", stock["skuId"], stock["stockNum"])
            result = {"success": True, "obj": {"updateStockResult": [{"success": True}]}}
            return Told({"jingdong_ware_stock_sku_set_responce": {"code": "0", "returnType": result}})
        if method == "jingdong.pop.order.shipment":
            number = str(business["orderId"])
            if self.sold[number].state != "paid":
                result = {"success": False, "errorCode": "10400001", "chineseErrCode": "订单状态不正确"}
                return Told({"jingdong_pop_order_shipment_responce": {"code": "0", "sopjosshipment_result": result}})
            self.ship(number, str(business["logiCoprId"]), business["logiNo"])
            result = {"success": True}
            return Told({"jingdong_pop_order_shipment_responce": {"code": "0", "sopjosshipment_result": result}})
        return error("10", "API不存在")


def raw(sold: Sold) -> dict[str, Any]:
    is_paid = sold.state in ("paid", "dispatched")
    return {
        "orderId": sold.number,
        "orderState": sold.words or STATES[sold.state],
        "orderStartTime": local(sold.placed_at),
        "orderEndTime": local(sold.changed_at) if sold.state == "cancelled" else "",
        "modified": local(sold.changed_at),
        "paymentConfirmTime": local(sold.placed_at + timedelta(minutes=1)) if is_paid else "0001-01-01 00:00:00",
        "outBoundDate": local(sold.changed_at) if sold.state == "dispatched" else "0001-01-01 00:00:00",
        "payType": "4-在线支付",
        "orderTotalPrice": yuan(sold.qty * sold.price_minor),
        "sellerDiscount": yuan(sold.off_minor),
        "orderSellerPrice": yuan(sold.goods_minor),
        "orderPayment": yuan(sold.total_minor),
        "freightPrice": yuan(sold.postage_minor),
        "orderRemark": "请尽快",
        "open_id_buyer": f"oid-{sold.number}",
        "consigneeInfo": {
            "fullname": "张**",
            "mobile": "139****0000",
            "province": "浙江",
            "city": "杭州市",
            "fullAddress": "浙江杭州市文*路",
        },
        "itemInfoList": [
            {
                "skuId": "770",
                "wareId": "77",
                "outerSkuId": sold.sku,
                "skuName": "连衣裙",
                "jdPrice": yuan(sold.price_minor),
                "itemTotal": str(sold.qty),
            }
        ],
    }
