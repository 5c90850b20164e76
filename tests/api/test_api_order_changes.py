"""Orders changed through the API: one outcome for each order, and a problem document when all are refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.calling import Api, cny, order

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def placed(api: Api) -> list[int]:
    """Two orders, 1 paid and 2 unpaid."""
    sent = {"orders": [order("1"), order("2", paid_at=None)]}
    return [outcome["id"] for outcome in api.send("POST", "/orders", sent)["outcomes"]]


def states(answer: Any) -> list[str]:
    return [outcome["state"] for outcome in answer["outcomes"]]


def test_orders_are_held_and_released(api: Api, placed: list[int]) -> None:
    held = api.send("POST", "/orders/hold", {"orders": [*placed, 10**9], "reason": "risk", "detail": "call first"})

    assert states(held) == ["done", "done", "refused"]
    whole = api.get(f"/orders/{placed[0]}")
    assert (whole["open_holds"], whole["revision"]) == (["risk"], 2)
    assert (whole["holds"][0]["detail"], whole["holds"][0]["opened_by"]) == ("call first", "key:test")

    freed = api.send("POST", "/orders/release", {"orders": placed[:1], "reason": "risk", "note": "called"})

    assert states(freed) == ["done"]
    hold = api.get(f"/orders/{placed[0]}")["holds"][0]
    assert (hold["released_by"], hold["note"]) == ("key:test", "called")


def test_when_all_are_refused_the_answer_is_a_problem(api: Api) -> None:
    problem = api.refused(422, "POST", "/orders/hold", {"orders": [10**9]})

    assert problem["code"] == "order.unknown"
    assert problem["outcomes"][0]["state"] == "refused"


def test_tags_and_notes_are_shown_with_the_order(api: Api, placed: list[int]) -> None:
    api.send("POST", "/orders/tags", {"orders": placed, "add": ["vip", "gift"]})
    api.send("POST", "/orders/tags", {"orders": placed[:1], "remove": ["gift"]})
    api.send("POST", "/orders/notes", {"orders": placed[:1], "text": "wrap it"})

    whole = api.get(f"/orders/{placed[0]}")
    assert (whole["tags"], [n["text"] for n in whole["notes"]]) == (["vip"], ["wrap it"])
    assert api.get(f"/orders/{placed[1]}")["tags"] == ["gift", "vip"]
    both = {"orders": placed, "add": ["a"], "remove": ["b"]}
    assert api.refused(422, "POST", "/orders/tags", both)["code"] == "tag.text"


def test_an_order_is_cancelled_on_the_ground_of_what_was_looked_at(api: Api, placed: list[int]) -> None:
    old = {"orders": [{"order": placed[0], "revision": 7}]}
    assert api.refused(422, "POST", "/orders/cancel", old)["code"] == "order.revision"

    done = api.send(
        "POST", "/orders/cancel", {"orders": [{"order": placed[0], "revision": 1}], "reason": "changed mind"}
    )

    assert (states(done), done["outcomes"][0]["revision"]) == (["done"], 2)
    assert api.get(f"/orders/{placed[0]}")["status"] == "cancelled"
    (pool,) = [row for row in api.get("/stock/pool")["items"] if row["sku"] == "A-1"]
    assert (pool["held"], pool["available"]) == (0, 10)


def test_rules_floors_and_blacklist_are_set_and_explained(api: Api, placed: list[int]) -> None:
    assert api.get("/review/rules")["version"] == 0
    assert api.get(f"/orders/{placed[0]}/review") == {"policy": 0, "findings": []}
    api.send("PUT", "/prices/floors", {"floors": [{"sku": "A-1", "currency": "CNY", "floor": cny("30.00")}]})
    saved = api.send("PUT", "/review/rules", {"rules": {"units_over": 1}, "review_open": True})
    assert (saved["version"], saved["units_over"], saved["address"]) == (1, 1, True)

    tried = api.send("POST", "/review/try", {"rules": {"units_over": 1, "price_floor": False}})
    assert tried == {"orders": 2, "held": 2, "by_rule": {"units_over": 2}}
    assert {(f["reason"], f["rule"]) for f in api.get(f"/orders/{placed[0]}/review")["findings"]} == {
        ("price_floor", "price_floor"),
        ("risk", "units_over"),
    }

    listed = {"kind": "phone", "value": "13812345678", "note": "never pays"}
    assert api.send("POST", "/review/blacklist", listed) == {"count": 1}
    (entry,) = api.get("/review/blacklist")["items"]
    assert (entry["hint"], entry["note"]) == ("138****5678", "never pays")
    assert api.send("POST", "/review/blacklist/remove", listed) == {"count": 1}
    assert api.get("/review/blacklist")["items"] == []
    assert api.get("/prices/floors")["items"][0]["floor"] == cny("30.00")
    assert (
        api.refused(422, "PUT", "/prices/floors", {"floors": [{"sku": "no", "currency": "CNY", "floor": None}]})["code"]
        == "floor.sku"
    )
