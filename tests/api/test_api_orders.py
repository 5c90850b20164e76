"""Orders through the API: exactly what goes in comes out, and what is refused leaves nothing."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.api.calling import NOW, Api, cny, order

from tongpan.access.vault import mask
from tongpan.customers.models import Customer
from tongpan.fulfillment.actions import route
from tongpan.inventory.models import Pool
from tongpan.orders.models import Order
from tongpan.orders.queries import payload_of

pytestmark = pytest.mark.usefixtures("company")


def rows_written() -> dict[str, int]:
    """How many rows every table has that an intake writes."""
    tables = (
        *("orders_order", "orders_orderline", "orders_orderevent", "orders_payment", "orders_return"),
        *("customers_customer", "customers_identifier", "catalog_sku"),
        *("inventory_movement", "inventory_reservation", "core_event", "access_idempotentrequest"),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in tables))
        return dict(zip(tables, cursor.fetchone(), strict=True))


def test_an_order_comes_out_as_it_went_in(api: Api) -> None:
    answer = api.send("POST", "/orders", {"orders": [order()]})
    order_id = Order.objects.get().pk
    assert answer == {"outcomes": [{"state": "accepted", "id": order_id, "number": "T1", "code": "", "reason": ""}]}
    route([order_id], actor="routing", now=NOW)

    found = api.get(f"/orders/{order_id}")

    fulfillment, decision = found.pop("fulfillments")[0], found.pop("decisions")[0]
    assert found == {
        "id": order_id,
        "shop": "flagship",
        "channel": "tmall",
        "number": "T1",
        "status": "paid",
        "channel_status": "",
        "customer": Customer.objects.get().code,
        "business_date": "2026-11-18",
        "placed_at": "2026-11-18T02:00:00Z",
        "paid_at": "2026-11-18T02:01:00Z",
        "dispatched_at": None,
        "delivered_at": None,
        "completed_at": None,
        "cancelled_at": None,
        "promised_at": None,
        "goods": cny("59.80"),
        "charges": cny("6.00"),
        "total": cny("65.80"),
        "paid": cny("65.80"),
        "refunded": cny("0.00"),
        "units": 2,
        "ship_to": {"province": "浙江省", "city": "宁波市"},
        "open_holds": [],
        "is_simulated": False,
        "recipient": {"name": "张**", "phone": "138****5678", "address": "中**"},
        "lines": [
            {
                "line": 1,
                "key": "",
                "kind": "goods",
                "code": "A-1",
                "name": "茶杯",
                "qty": 2,
                "unit_price": "29.9",
                "amount": cny("59.80"),
                "part": 1,
            },
            {
                "line": 2,
                "key": "",
                "kind": "charge",
                "code": "postage",
                "name": "",
                "qty": 1,
                "unit_price": None,
                "amount": cny("6.00"),
                "part": 1,
            },
        ],
        "payments": [{"seq": 1, "method": "alipay", "amount": cny("65.80"), "paid_at": None}],
        "events": [
            {"kind": "placed", "at": "2026-11-18T02:00:00Z", "actor": "key:test"},
            {"kind": "paid", "at": "2026-11-18T02:01:00Z", "actor": "key:test"},
        ],
        "holds": [],
        "returns": [],
        "notes": [],
        "merge": None,
        "changed_here": [],
        "discounts": [],
        "invoice": None,
        "buyer_note": "",
        "seller_note": "",
        "is_status_known": True,
        "hold_until": None,
        "revision": 1,
        "tags": [],
        "delivery": {
            "method": "ship",
            "node": "",
            "slot_start": None,
            "slot_end": None,
            "contactless": False,
            "gift_wrap": "",
            "has_gift_card": False,
            "fee": None,
        },
    }
    assert (fulfillment["node"], fulfillment["status"]) == ("hz", "allocated")
    assert fulfillment["lines"] == [{"line": 1, "sku": "A-1", "qty": 2}]
    assert (decision["outcome"], decision["rule"], decision["attempt"]) == ("routed", "nearest-with-all", 1)
    chosen, other = decision["candidates"]
    assert (chosen["node"], chosen["outcome"], chosen["have"], chosen["of"]) == ("hz", "chosen", 1, 1)
    assert (other["node"], other["outcome"], other["missing"]) == ("sh", "eliminated", ["A-1"])
    assert 100 < chosen["km"] < 200


def test_what_comes_with_an_order_comes_out_again(api: Api) -> None:
    more = {
        "discounts": [
            {"payer": "platform", "amount": cny("3.01"), "code": "P-1", "name": "跨店满减"},
            {"payer": "shop", "amount": cny("1"), "line": 1},
        ],
        "invoice": {"kind": "电子普票", "title": "上海某某有限公司", "tax_number": "91310000MA1K00000X"},
        "buyer_note": "请尽快发货",
        "seller_note": "老客",
        "tags": ["vip"],
        "delivery": {
            "method": "instant",
            "slot_start": "2026-11-18T14:00:00+08:00",
            "slot_end": "2026-11-18T16:00:00+08:00",
            "contactless": True,
            "gift_wrap": "red paper",
            "gift_card": "生日快乐",
            "fee": cny("8"),
        },
        "hold_until": "2026-11-18T12:00:00+08:00",
    }
    [outcome] = api.send("POST", "/orders", {"orders": [order(**more)]})["outcomes"]

    found = api.get(f"/orders/{outcome['id']}")
    assert found["discounts"] == [
        {"line": 1, "payer": "platform", "code": "P-1", "name": "跨店满减", "amount": cny("3.01")},
        {"line": 1, "payer": "shop", "code": "", "name": "", "amount": cny("1.00")},
    ]
    assert found["invoice"] == {
        "kind": "电子普票",
        "title": mask("上海某某有限公司"),
        "tax_number": mask("91310000MA1K00000X"),
        "content": "",
    }
    assert (found["buyer_note"], found["seller_note"], found["tags"]) == ("请尽快发货", "老客", ["vip"])
    assert found["delivery"] == {
        "method": "instant",
        "node": "",
        "slot_start": "2026-11-18T06:00:00Z",
        "slot_end": "2026-11-18T08:00:00Z",
        "contactless": True,
        "gift_wrap": "red paper",
        "has_gift_card": True,
        "fee": cny("8.00"),
    }
    assert (found["is_status_known"], found["hold_until"]) == (True, "2026-11-18T04:00:00Z")
    assert json.loads(payload_of(outcome["id"])) == {"orders": [order(**more)]}


def test_of_several_orders_each_keeps_its_own_part_as_payload(api: Api) -> None:
    outcomes = api.send("POST", "/orders", {"orders": [order("1"), order("2", tags=["x"])]})["outcomes"]

    assert json.loads(payload_of(outcomes[1]["id"])) == order("2", tags=["x"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"discounts": [{"payer": "state", "amount": cny("1")}]}, "request.invalid"),
        ({"discounts": [{"payer": "shop", "amount": cny("0")}]}, "document.discount"),
        ({"discounts": [{"payer": "shop", "amount": cny("1"), "line": 3}]}, "document.discount"),
        ({"delivery": {"method": "pickup"}}, "document.delivery"),
        ({"tags": [" "]}, "request.invalid"),
    ],
)
def test_what_comes_with_an_order_is_checked(api: Api, changes: dict[str, Any], code: str) -> None:
    problem = api.refused(422, "POST", "/orders", {"orders": [order(**changes)]})

    assert problem["code"] == code
    assert not Order.objects.exists()


def test_the_same_order_again_is_unchanged_and_an_older_copy_is_stale(api: Api) -> None:
    first = order(updated_at="2026-11-18T10:05:00+08:00")
    api.send("POST", "/orders", {"orders": [first]})
    before = rows_written()
    older = order(updated_at="2026-11-18T10:00:00+08:00", channel_status="waiting")

    answer = api.send("POST", "/orders", {"orders": [first, older]})

    assert [outcome["state"] for outcome in answer["outcomes"]] == ["unchanged", "stale"]
    assert rows_written() == before


def test_good_orders_of_a_batch_go_in_and_bad_ones_are_told(api: Api) -> None:
    batch = [order("G1"), order("B1", shop="nowhere"), order("G2")]

    answer = api.send("POST", "/orders", {"orders": batch})

    assert [(o["number"], o["state"], o["code"]) for o in answer["outcomes"]] == [
        ("G1", "accepted", ""),
        ("B1", "refused", "shop.unknown"),
        ("G2", "accepted", ""),
    ]
    assert sorted(Order.objects.values_list("external_id", flat=True)) == ["G1", "G2"]


def test_a_single_refused_order_is_a_problem_that_says_why(api: Api) -> None:
    before = rows_written()

    problem = api.refused(422, "POST", "/orders", {"orders": [order(shop="nowhere")]}, Idempotency_Key="k1")

    assert problem["code"] == "shop.unknown"
    assert "nowhere" in problem["detail"]
    assert problem["outcomes"][0]["state"] == "refused"
    assert rows_written() == before


LINE: dict[str, Any] = {"code": "A-1", "qty": 1, "amount": cny("1.00")}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"number": "a\x00b"}, "orders.0.number", "match pattern"),
        ({"number": ""}, "orders.0.number", "at least 1"),
        ({"number": "x" * 121}, "orders.0.number", "at most 120"),
        ({"number": 7}, "orders.0.number", "valid string"),
        ({"placed_at": "2026-11-18T10:00:00"}, "orders.0.placed_at", "RFC 3339"),
        ({"placed_at": "2026-02-30T10:00:00Z"}, "orders.0.placed_at", "does not exist"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "orders.0.placed_at", "between 1990 and 2200"),
        ({"placed_at": "9999-12-31T23:59:59-12:00"}, "orders.0.placed_at", "between 1990 and 2200"),
        ({"placed_at": 1794996000}, "orders.0.placed_at", "RFC 3339"),
        ({"promised_at": "9999-12-31T23:59:59Z"}, "orders.0.promised_at", "between 1990 and 2200"),
        ({"currency": "cny"}, "orders.0.currency", "match pattern"),
        ({"lines": []}, "orders.0.lines", "at least 1"),
        ({"lines": [LINE | {"qty": 0}]}, "orders.0.lines.0", "at least 1"),
        ({"lines": [LINE | {"qty": "2"}]}, "orders.0.lines.0.qty", "valid integer"),
        ({"lines": [LINE | {"qty": 1.5}]}, "orders.0.lines.0.qty", "valid integer"),
        ({"lines": [LINE | {"qty": True}]}, "orders.0.lines.0.qty", "valid integer"),
        ({"lines": [LINE | {"qty": 10**30}]}, "orders.0.lines.0.qty", "less than or equal"),
        ({"lines": [LINE | {"amount": 12.34}]}, "orders.0.lines.0.amount", ""),
        ({"lines": [LINE | {"amount": cny("1e9")}]}, "orders.0.lines.0.amount.amount", "match pattern"),
        ({"lines": [LINE | {"amount": cny("9" * 20)}]}, "orders.0.lines.0.amount.amount", "match pattern"),
        ({"lines": [LINE | {"kind": "gift"}]}, "orders.0.lines.0.kind", "'goods' or 'charge'"),
        ({"lines": [LINE | {"kind": "charge", "code": "c" * 41}]}, "orders.0.lines.0", "at most 40"),
        ({"colour": "red"}, "orders.0.colour", "not permitted"),
        ({"is_shipped": "yes"}, "orders.0.is_shipped", "valid boolean"),
    ],
)
def test_a_value_of_the_wrong_form_is_named_and_nothing_is_written(
    api: Api, changes: dict[str, Any], field: str, words: str
) -> None:
    before = rows_written()

    problem = api.refused(422, "POST", "/orders", {"orders": [order(**changes)]})

    assert problem["code"] == "request.invalid"
    assert (problem["errors"][0]["in"], problem["errors"][0]["field"]) == ("body", field)
    assert words in problem["errors"][0]["message"]
    assert rows_written() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lines": [LINE | {"amount": cny("1.005")}]}, "lines.0.amount: 1.005 has more decimals than CNY"),
        (
            {"paid": {"amount": "1", "currency": "USD"}},
            "paid is in USD, but the document is in CNY",
        ),
    ],
)
def test_an_amount_of_another_currency_or_too_fine_is_refused(api: Api, changes: dict[str, Any], words: str) -> None:
    before = rows_written()

    problem = api.refused(422, "POST", "/orders", {"orders": [order("ok"), order(**changes)]})

    assert (problem["code"], problem["errors"][0]["field"]) == ("money.invalid", "orders.1")
    assert words in problem["detail"]
    assert rows_written() == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b'{"orders": NaN}',
        b'{"orders": [{"number": "\\ud800"}]}',
        b"[" * 100_000,
        b'{"orders": [' + b"1" * 5000 + b"]}",
        b"[]",
        b"null",
        b'"orders"',
    ],
)
def test_a_malformed_body_is_a_problem(api: Api, body: bytes) -> None:
    response = api.call("POST", "/orders", body)

    assert response.status_code in (400, 422)
    assert response["Content-Type"] == "application/problem+json"
    assert not Order.objects.exists()


def test_a_body_that_is_too_large_is_a_problem(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    problem = api.refused(413, "POST", "/orders", b"x" * 1001)

    assert problem["code"] == "body.too_large"


def test_an_order_that_the_pool_cannot_serve_waits_and_says_so(api: Api) -> None:
    lines = [{"code": "B-2", "qty": 4, "amount": cny("400.00")}]

    answer = api.send("POST", "/orders", {"orders": [order(lines=lines)]})

    found = api.get(f"/orders/{answer['outcomes'][0]['id']}")
    assert found["open_holds"] == ["out_of_stock"]
    assert [hold["reason"] for hold in found["holds"]] == ["out_of_stock"]
    assert api.get("/orders?hold=out_of_stock")["items"][0]["number"] == "T1"
    assert Pool.objects.get(sku__code="B-2").held == 0


def test_orders_are_listed_by_filter(api: Api) -> None:
    days = {"T1": "17", "T2": "18", "T3": "18"}
    orders = [order(n, placed_at=f"2026-11-{day}T10:00:00+08:00", paid_at=None) for n, day in days.items()]
    orders[1]["paid_at"] = "2026-11-18T10:01:00+08:00"
    api.send("POST", "/orders", {"orders": orders})

    def numbers(query: str) -> list[str]:
        return [item["number"] for item in api.get(f"/orders?{query}")["items"]]

    assert numbers("") == ["T3", "T2", "T1"]
    assert numbers("status=paid") == ["T2"]
    assert numbers("status=open") == ["T3", "T2", "T1"]
    assert numbers("from=2026-11-18&to=2026-11-18") == ["T3", "T2"]
    assert numbers("to=2026-11-17") == ["T1"]
    assert numbers("search=T2") == ["T2"]
    assert numbers("search=T1,T3") == ["T3", "T1"]
    assert numbers("search=A-1&shop=flagship&channel=tmall") == ["T3", "T2", "T1"]
    assert numbers("channel=jd") == []
    assert numbers("hold=any") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("shop=nowhere", "shop.unknown"),
        ("channel=nowhere", "channel.unknown"),
        ("status=lost", "request.invalid"),
        ("from=2026-13-01", "request.invalid"),
        ("from=20261101", "request.invalid"),
        ("limit=0", "request.invalid"),
        ("limit=201", "request.invalid"),
        ("limit=99999999999999999999999", "request.invalid"),
        ("search=a%00b", "request.invalid"),
        ("stauts=paid", "query.unknown"),
        ("cursor=AAAA", "cursor.invalid"),
        ("cursor=!", "request.invalid"),
        ("cursor=W10", "cursor.invalid"),
        ("cursor=WzEsMl0", "cursor.invalid"),
    ],
)
def test_a_list_refuses_what_it_does_not_know(api: Api, query: str, code: str) -> None:
    assert api.refused(422, "GET", f"/orders?{query}")["code"] == code


def test_pages_follow_each_other_without_gap_or_repetition_while_orders_come_in(api: Api) -> None:
    def send(numbers: list[str], minute: str) -> None:
        orders = [order(n, placed_at=f"2026-11-18T10:{minute}:00+08:00", paid_at=None) for n in numbers]
        api.send("POST", "/orders", {"orders": orders})

    send([f"A{n}" for n in range(4)], "00")  # all placed at one instant
    send([f"B{n}" for n in range(3)], "01")
    first = api.get("/orders?limit=3")
    send(["C0"], "02")

    second = api.get(f"/orders?limit=3&cursor={first['next']}")
    third = api.get(f"/orders?limit=3&cursor={second['next']}")

    pages = [[item["number"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [["B2", "B1", "B0"], ["A3", "A2", "A1"], ["A0"]]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [("/orders/999999", 404), ("/orders/0", 422), ("/orders/abc", 422), (f"/orders/{2**63}", 422)],
)
def test_an_order_that_is_not_there_is_a_problem(api: Api, path: str, status: int) -> None:
    api.refused(status, "GET", path)


def test_a_list_takes_a_constant_number_of_statements(api: Api, django_assert_num_queries: Any) -> None:
    api.send("POST", "/orders", {"orders": [order(f"T{n}") for n in range(5)]})
    api.get("/orders")

    with django_assert_num_queries(4):  # the key, the orders, their holds, their tags
        assert len(api.get("/orders")["items"]) == 5


def test_the_statements_of_an_intake_do_not_grow_with_the_batch(api: Api) -> None:
    def statements(numbers: list[str]) -> int:
        lines = [{"code": f"N-{n}", "qty": 1, "amount": cny("1.00")} for n in range(5)]
        with CaptureQueriesContext(connection) as captured:
            api.send("POST", "/orders", {"orders": [order(number, lines=lines) for number in numbers]})
        return len(captured)

    api.send("POST", "/orders", {"orders": [order("warm-up")]})
    statements(["T0"])

    assert statements([f"M{n}" for n in range(50)]) == statements(["T1"])
