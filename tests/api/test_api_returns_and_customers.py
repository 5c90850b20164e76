"""Returns and customers through the API."""

from typing import Any

import pytest
from tests.api.calling import Api, cny, order

from tongpan.customers.models import Customer
from tongpan.inventory.models import Level
from tongpan.orders.models import Return

pytestmark = pytest.mark.usefixtures("company")


def returned(number: str = "R1", **changes: Any) -> dict[str, Any]:
    return {
        "shop": "flagship",
        "number": number,
        "returned_at": "2026-11-18T12:00:00+08:00",
        "currency": "CNY",
        "order": "T1",
        "buyer": {"value": "buyer-7"},
        "lines": [{"code": "A-1", "qty": 1, "amount": cny("-29.90")}],
    } | changes


def test_a_return_comes_out_as_it_went_in_and_its_goods_are_back(api: Api) -> None:
    api.send("POST", "/orders", {"orders": [order()]})

    answer = api.send("POST", "/returns", {"returns": [returned()]})

    row = Return.objects.get()
    assert answer["outcomes"] == [{"state": "accepted", "id": row.pk, "number": "R1", "code": "", "reason": ""}]
    head = {
        "id": row.pk,
        "shop": "flagship",
        "channel": "tmall",
        "number": "R1",
        "status": "restocked",
        "order": "T1",
        "customer": Customer.objects.get().code,
        "business_date": "2026-11-18",
        "returned_at": "2026-11-18T04:00:00Z",
        "goods": cny("-29.90"),
        "charges": cny("0.00"),
        "total": cny("-29.90"),
        "units": 1,
        "is_simulated": False,
    }
    assert api.get("/returns?number=R") == {"items": [head], "next": None}
    assert api.get(f"/returns/{row.pk}") == head | {
        "lines": [
            {
                "line": 1,
                "kind": "goods",
                "code": "A-1",
                "name": "",
                "qty": 1,
                "unit_price": None,
                "amount": cny("-29.90"),
            }
        ]
    }
    assert Level.objects.get(sku__code="A-1", node__code="hz").on_hand == 11


def test_a_return_that_takes_money_is_refused_and_nothing_comes_back(api: Api) -> None:
    wrong = returned(lines=[{"code": "A-1", "qty": 1, "amount": cny("29.90")}])

    problem = api.refused(422, "POST", "/returns", {"returns": [wrong]})

    assert problem["code"] == "return.sign"
    assert not Return.objects.exists()
    assert Level.objects.get(sku__code="A-1", node__code="hz").on_hand == 10


def test_a_customer_is_shown_masked(api: Api) -> None:
    api.send("POST", "/orders", {"orders": [order()]})
    customer = Customer.objects.get()

    head = {
        "id": customer.pk,
        "number": customer.code,
        "name": "张**",
        "province": "浙江省",
        "city": "宁波市",
        "first_seen_at": "2026-11-18T02:00:00Z",
    }
    assert api.get("/customers?search=buyer-7") == {"items": [head], "next": None}
    found = api.get(f"/customers/{customer.pk}")
    assert found == head | {
        "identifiers": [
            {"kind": "buyer", "scope": "flagship", "value": "b**", "first_seen_at": "2026-11-18T02:00:00Z"}
        ],
        "bought": {
            "orders": 1,
            "units": 2,
            "total": cny("65.80"),
            "first_at": "2026-11-18T02:00:00Z",
            "last_at": "2026-11-18T02:00:00Z",
        },
    }


def test_nothing_that_the_api_answers_holds_personal_data(api: Api) -> None:
    answer = api.send("POST", "/orders", {"orders": [order()]})
    order_id, customer_id = answer["outcomes"][0]["id"], Customer.objects.get().pk

    paths = ("/orders", f"/orders/{order_id}", "/customers", f"/customers/{customer_id}", "/customers?search=buyer-7")
    told = str([api.get(path) for path in paths])

    assert [secret for secret in ("张三", "13812345678", "中山路", "buyer-7") if secret in told] == []


def test_customers_are_found_by_province(api: Api) -> None:
    api.send("POST", "/orders", {"orders": [order("1"), order("2", buyer={"value": "b2", "province": "上海市"})]})

    assert len(api.get("/customers")["items"]) == 2
    assert [row["province"] for row in api.get("/customers?province=上海市")["items"]] == ["上海市"]
