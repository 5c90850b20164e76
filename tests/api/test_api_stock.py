"""Stock through the API."""

from typing import Any

import pytest
from tests.api.calling import Api, order

from tongpan.inventory.models import Level, Movement, StockDocument

pytestmark = pytest.mark.usefixtures("company")


def document(number: str, lines: list[dict[str, Any]], node: str = "hz") -> dict[str, Any]:
    return {
        "source": "wms",
        "number": number,
        "node": node,
        "occurred_at": "2026-11-18T15:00:00+08:00",
        "reason": "found",
        "lines": lines,
    }


def test_the_pool_tells_what_every_channel_may_sell(api: Api) -> None:
    api.send("POST", "/orders", {"orders": [order()]})

    assert api.get("/stock/pool?sku=A-1") == {
        "items": [{"sku": "A-1", "on_hand": 10, "allocated": 0, "held": 2, "available": 8}],
        "next": None,
    }
    assert [row["sku"] for row in api.get("/stock/pool")["items"]] == ["A-1", "B-2"]


def test_an_adjustment_moves_a_level_and_its_movement_tells_why(api: Api) -> None:
    answer = api.send("POST", "/stock/adjustments", {"documents": [document("7", [{"sku": "A-1", "qty": -4}])]})

    document_id = StockDocument.objects.get(source="wms").pk
    assert answer == {
        "outcomes": [{"state": "accepted", "id": document_id, "number": "7", "short": 0, "code": "", "reason": ""}]
    }
    assert api.get("/stock/levels?sku=A-1") == {
        "items": [{"sku": "A-1", "node": "hz", "bucket": "saleable", "on_hand": 6, "allocated": 0}],
        "next": None,
    }
    movement = api.get("/stock/movements?sku=A-1&node=hz")["items"][0]
    assert movement.pop("id") == Movement.objects.order_by("-id").values_list("pk", flat=True)[0]
    assert movement.pop("recorded_at")
    assert movement == {
        "sku": "A-1",
        "node": "hz",
        "bucket": "saleable",
        "kind": "adjusted",
        "on_hand": -4,
        "allocated": 0,
        "held": 0,
        "cause": f"stock_document/{document_id}",
        "actor": "key:test",
        "reason": "found",
        "occurred_at": "2026-11-18T07:00:00Z",
    }


def test_an_adjustment_below_zero_takes_what_is_there_and_tells_the_rest(api: Api) -> None:
    answer = api.send("POST", "/stock/adjustments", {"documents": [document("7", [{"sku": "B-2", "qty": -5}])]})

    assert answer["outcomes"][0]["short"] == 2
    assert Level.objects.get(sku__code="B-2").on_hand == 0


def test_a_count_replaces_the_book(api: Api) -> None:
    lines = [{"sku": "A-1", "qty": 12}, {"sku": "C-3", "qty": 1, "name": "茶盘", "bucket": "display"}]

    api.send("POST", "/stock/counts", {"documents": [document("8", lines)]})

    levels = api.get("/stock/levels?node=hz")["items"]
    assert [(row["sku"], row["bucket"], row["on_hand"]) for row in levels] == [
        ("A-1", "saleable", 12),
        ("B-2", "saleable", 3),
        ("C-3", "display", 1),
    ]
    assert api.get("/stock/levels?bucket=display")["items"] == levels[2:]
    assert api.get("/skus?search=C-3")["items"][0]["name"] == "茶盘"


def test_levels_are_paged(api: Api) -> None:
    first = api.get("/stock/levels?limit=1")
    second = api.get(f"/stock/levels?limit=1&cursor={first['next']}")

    assert [page["items"][0]["sku"] for page in (first, second)] == ["A-1", "B-2"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("path", "changes", "code"),
    [
        ("adjustments", {"node": "nowhere"}, "node.unknown"),
        ("adjustments", {"lines": []}, "request.invalid"),
        ("adjustments", {"lines": [{"sku": "A-1", "qty": 10**9}]}, "request.invalid"),
        ("adjustments", {"lines": [{"sku": "A\x00", "qty": 1}]}, "request.invalid"),
        ("adjustments", {"lines": [{"sku": "A-1", "qty": 1, "bucket": "attic"}]}, "request.invalid"),
        ("counts", {"lines": [{"sku": "A-1", "qty": -1}]}, "request.invalid"),
        ("counts", {"occurred_at": "yesterday"}, "request.invalid"),
    ],
)
def test_a_bad_document_is_refused_and_nothing_moves(api: Api, path: str, changes: dict[str, Any], code: str) -> None:
    movements = Movement.objects.count()
    bad = document("9", [{"sku": "A-1", "qty": 1}]) | changes

    problem = api.refused(422, "POST", f"/stock/{path}", {"documents": [bad]})

    assert problem["code"] == code
    assert Movement.objects.count() == movements
    assert not StockDocument.objects.filter(source="wms").exists()


def test_good_documents_of_a_batch_are_booked_and_bad_ones_are_told(api: Api) -> None:
    line = [{"sku": "A-1", "qty": 1}]
    documents = [document("1", line), document("2", line, node="nowhere"), document("1", line)]

    answer = api.send("POST", "/stock/adjustments", {"documents": documents})

    assert [outcome["state"] for outcome in answer["outcomes"]] == ["accepted", "refused", "unchanged"]
    assert Level.objects.get(sku__code="A-1").on_hand == 11
