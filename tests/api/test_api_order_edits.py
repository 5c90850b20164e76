"""Orders edited, split, joined and merged through the API."""

from __future__ import annotations

import pytest
from tests.api.calling import Api, cny, order

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def placed(api: Api) -> list[int]:
    """Two paid orders of one buyer to one address."""
    sent = {"orders": [order("1"), order("2")]}
    return [outcome["id"] for outcome in api.send("POST", "/orders", sent)["outcomes"]]


def test_an_order_is_edited_with_its_price_said_or_in_proportion(api: Api, placed: list[int]) -> None:
    body = {"revision": 1, "lines": [{"line": 1, "qty": 1}], "address": {"city": "杭州市"}, "reason": "too many"}

    done = api.send("POST", f"/orders/{placed[0]}/edit", body)

    assert (done["state"], done["revision"]) == ("done", 2)
    whole = api.get(f"/orders/{placed[0]}")
    assert (whole["goods"], whole["total"], whole["units"]) == (cny("29.90"), cny("35.90"), 1)
    assert (whole["ship_to"]["city"], whole["changed_here"]) == ("杭州市", ["address", "lines"])
    assert api.refused(422, "POST", f"/orders/{placed[0]}/edit", body)["code"] == "order.revision"
    more = {"added": [{"sku": "B-2", "qty": 9, "amount": cny("1.00")}]}
    assert api.refused(422, "POST", f"/orders/{placed[0]}/edit", more)["code"] == "edit.stock"
    euro = {"lines": [{"line": 1, "qty": 1, "amount": {"amount": "1.00", "currency": "EUR"}}]}
    assert api.refused(422, "POST", f"/orders/{placed[0]}/edit", euro)["code"] == "money.invalid"
    assert api.refused(404, "POST", "/orders/999999999/edit", {})["code"] == "order.unknown"


def test_an_order_is_split_and_joined(api: Api, placed: list[int]) -> None:
    api.send("POST", f"/orders/{placed[0]}/split", {"parts": [[{"line": 1, "qty": 1}]]})

    lines = api.get(f"/orders/{placed[0]}")["lines"]
    assert [(line["qty"], line["amount"], line["part"]) for line in lines if line["kind"] == "goods"] == [
        (1, cny("29.90"), 1),
        (1, cny("29.90"), 2),
    ]
    api.send("POST", f"/orders/{placed[0]}/join", {})
    assert {line["part"] for line in api.get(f"/orders/{placed[0]}")["lines"]} == {1}


def test_orders_are_sent_together_and_apart_again(api: Api, placed: list[int]) -> None:
    merged = api.send("POST", "/orders/merge", {"orders": [{"order": i} for i in placed]})

    assert [outcome["state"] for outcome in merged["outcomes"]] == ["done", "done"]
    assert {api.get(f"/orders/{i}")["merge"] for i in placed} == {merged["merge"]}
    again = {"orders": [{"order": i} for i in placed]}
    assert api.refused(422, "POST", "/orders/merge", again)["code"] == "merge.merged"

    api.send("POST", "/orders/unmerge", {"merge": merged["merge"]})
    assert {api.get(f"/orders/{i}")["merge"] for i in placed} == {None}
