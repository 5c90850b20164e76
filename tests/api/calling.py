"""How the tests call the API, the company they find there, and the order that most of them send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tongpan.access.actions import create_api_key
from tongpan.access.engine import SCOPES
from tongpan.channels.actions import load_presets, save_shops
from tongpan.channels.engine import ShopSpec
from tongpan.inventory.actions import adjust
from tongpan.inventory.engine import AdjustmentDoc, StockLine
from tongpan.network.actions import save_nodes, set_services
from tongpan.network.engine import NodeSpec

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY: dict[str, Any] = {"actor": "test", "now": NOW}


class Api:
    """Calls the API with a key and gives back what it answers."""

    def __init__(self, key: str = "") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(
            method, f"/api/v1{path}", content, content_type="application/json", headers=self.headers | sent
        )

    def get(self, path: str) -> Any:
        response = self.call("GET", path)
        assert response.status_code == 200, response.content
        return response.json()

    def send(self, method: str, path: str, body: Any, **headers: str) -> Any:
        response = self.call(method, path, body, **headers)
        assert response.status_code == 200, response.content
        return response.json()

    def refused(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The problem document of a request that is answered with ``status``."""
        response = self.call(method, path, body, **headers)
        assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), (
            response.content
        )
        problem = response.json()
        assert (problem["status"], problem["type"]) == (status, "about:blank")
        assert {"title", "detail", "code", "instance"} <= set(problem)
        return problem


def client_with_every_scope() -> Api:
    return Api(create_api_key("test", sorted(SCOPES), **BY))


def make_company() -> None:
    """Shop "flagship" on Tmall, served by "hz" (which takes returns) and "sh"; 10 of A-1 and 3 of B-2 at hz."""
    load_presets(["tmall", "jd"])
    save_shops([ShopSpec("flagship", "tmall", "旗舰店")], **BY)
    hz = NodeSpec("hz", "central", "杭州仓", city="杭州")
    save_nodes([hz, NodeSpec("sh", "store", "上海店", city="上海")], **BY)
    set_services("flagship", ["hz", "sh"], "hz", **BY)
    stock = [StockLine("A-1", 10, name="茶杯"), StockLine("B-2", 3, name="茶壶")]
    adjust([AdjustmentDoc("opening", "1", "hz", NOW, stock, "opening stock")], **BY)


def cny(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def order(number: str = "T1", **changes: Any) -> dict[str, Any]:
    """A paid order of two A-1 and postage."""
    return {
        "shop": "flagship",
        "number": number,
        "placed_at": "2026-11-18T10:00:00+08:00",
        "paid_at": "2026-11-18T10:01:00+08:00",
        "currency": "CNY",
        "lines": [
            {"code": "A-1", "name": "茶杯", "qty": 2, "unit_price": "29.9000", "amount": cny("59.80")},
            {"kind": "charge", "code": "postage", "qty": 1, "amount": cny("6")},
        ],
        "buyer": {"value": "buyer-7", "name": "张三丰", "province": "浙江省", "city": "宁波市"},
        "ship_to": {
            "province": "浙江省",
            "city": "宁波市",
            "recipient": "张三丰",
            "phone": "13812345678",
            "address": "中山路1号",
        },
        "payments": [{"method": "alipay", "amount": cny("65.80")}],
        "paid": cny("65.80"),
    } | changes
