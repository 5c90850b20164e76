"""WooCommerce's REST v3."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.emulators.base import Asked, Emulator, Sold, Told, yuan

STATES = {"unpaid": "pending", "paid": "processing", "dispatched": "completed", "cancelled": "cancelled"}
BASE = "/wp-json/wc/v3/"


class WooCommerceEmulator(Emulator):
    name = "woocommerce"

    def serve(self, asked: Asked) -> Told:
        pair = base64.b64encode(f"{self.app_key}:{self.secret}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return Told({"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."}, 401)
        path = asked.path.removeprefix(BASE)
        self.asked.append(f"{asked.method} {path}")
        parts = path.split("/")
        if asked.method == "GET" and path == "orders":
            query = asked.query
            since = datetime.fromisoformat(query["modified_after"]).replace(tzinfo=UTC)
            until = datetime.fromisoformat(query["modified_before"]).replace(tzinfo=UTC)
            if query["dates_are_gmt"] != "true":
                return Told({"code": "rest_invalid_param", "message": "dates_are_gmt"}, 400)
            rows = [sold for sold in self.changed(since, until) if since < sold.changed_at < until]
            page = self.page_of(rows, int(query["page"]) - 1, int(query["per_page"]))
            return Told([raw(sold) for sold in page], headers={"X-WP-Total": str(len(rows))})
        if asked.method == "GET" and parts[0] == "orders":
            return Told(raw(self.sold[parts[1]]))
        if asked.method == "PUT" and parts[0] == "orders":
            if asked.json != {"status": "completed"}:
                return Told({"code": "rest_invalid_param", "message": "status"}, 400)
            self.ship(parts[1], "", "")
            return Told(raw(self.sold[parts[1]]))
        if asked.method == "PUT" and parts[0] == "products":
            variant = parts[3] if len(parts) > 3 else ""
            if set(asked.json) == {"regular_price"}:
                if not re.fullmatch(r"\d+\.\d{2}", asked.json["regular_price"]):
                    return Told({"code": "rest_invalid_param", "message": "regular_price"}, 400)
                self.prices.setdefault((parts[1], variant), []).append(asked.json["regular_price"])
            else:
                self.set_stock(parts[1], variant, asked.json["stock_quantity"])
            return Told({"id": int(parts[1])})
        return Told({"code": "rest_no_route", "message": "No route was found."}, 404)


def iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if at else None


def raw(sold: Sold) -> dict[str, Any]:
    is_paid = sold.state in ("paid", "dispatched")
    return {
        "id": int(sold.number),
        "number": sold.number,
        "status": sold.words or STATES[sold.state],
        "currency": "CNY",
        "date_created_gmt": iso(sold.placed_at),
        "date_modified_gmt": iso(sold.changed_at),
        "date_paid_gmt": iso(sold.placed_at + timedelta(minutes=1)) if is_paid else None,
        "date_completed_gmt": iso(sold.changed_at) if sold.state == "dispatched" else None,
        "total": yuan(sold.total_minor),
        "total_tax": "0.00",
        "shipping_total": yuan(sold.postage_minor),
        "customer_id": 5,
        "customer_note": "请尽快",
        "billing": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@shop.example", "phone": "0571 0000"},
        "shipping": {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "address_1": "文一路 1 号",
            "address_2": "",
            "city": "杭州市",
            "state": "浙江省",
            "country": "CN",
        },
        "payment_method": "bacs",
        "line_items": [
            {
                "id": int(sold.number) * 10 + 1,
                "name": "连衣裙",
                "product_id": 77,
                "variation_id": 770,
                "quantity": sold.qty,
                "sku": sold.sku,
                "subtotal": yuan(sold.qty * sold.price_minor),
                "total": yuan(sold.goods_minor),
            }
        ],
        "fee_lines": [],
        "coupon_lines": [{"code": "spring"}],
        "refunds": [],
    }
