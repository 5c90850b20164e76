"""Transfers through the API."""

from typing import Any

import pytest
from tests.api.calling import Api, order

from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("company")


def transfer(number: str = "T1", **changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "source": "wms",
        "number": number,
        "from_node": "hz",
        "to_node": "sh",
        "lines": [{"sku": "A-1", "qty": 4}, {"sku": "B-2", "qty": 1}],
    }
    return whole | changes


def levels(api: Api, sku: str) -> dict[tuple[str, str], int]:
    rows = api.get(f"/stock/levels?sku={sku}")["items"]
    return {(row["node"], row["bucket"]): row["on_hand"] for row in rows}


def test_a_transfer_goes_from_draft_to_short_receipt(api: Api) -> None:
    made = api.send("POST", "/stock/transfers", {"transfers": [transfer()]})["outcomes"][0]
    assert (made["state"], made["number"], made["code"]) == ("accepted", "T1", "")
    path = f"/stock/transfers/{made['id']}"

    assert api.send("POST", f"{path}/ready", None)["state"] == "ready"
    assert api.send("POST", f"{path}/send", {})["state"] == "in_transit"
    assert levels(api, "A-1") == {("hz", "saleable"): 6, ("in-transit", "in_transit"): 4}
    answer = api.send("POST", f"{path}/receive", {"lines": [{"line": 1, "good": 2, "damaged": 1}], "reason": "wet"})

    assert (answer["state"], answer["reason"]) == ("received_short", "wet")
    assert [(x["sku"], x["sent"], x["good"], x["damaged"], x["short"]) for x in answer["lines"]] == [
        ("A-1", 4, 2, 1, 1),
        ("B-2", 1, 0, 0, 1),
    ]
    assert levels(api, "A-1") == {
        ("hz", "saleable"): 6,
        ("sh", "saleable"): 2,
        ("sh", "damaged"): 1,
        ("in-transit", "in_transit"): 0,
    }
    assert [row["number"] for row in api.get("/stock/transfers?node=sh&state=received_short")["items"]] == ["T1"]
    assert api.get("/stock/transfers?state=open") == {"items": [], "next": None}
    assert reconcile().differences == []


def test_a_transfer_sent_again_is_unchanged_and_one_without_stock_is_refused(api: Api) -> None:
    api.send("POST", "/orders", {"orders": [order()]})
    body = {"transfers": [transfer(), transfer("T2", lines=[{"sku": "A-1", "qty": 10}]), transfer("T3", to_node="hz")]}

    first = api.send("POST", "/stock/transfers", body)["outcomes"]
    again = api.send("POST", "/stock/transfers", body)["outcomes"]

    assert [x["state"] for x in first] == ["accepted", "accepted", "refused"]
    assert [x["state"] for x in again] == ["unchanged", "unchanged", "refused"]
    problem = api.refused(422, "POST", f"/stock/transfers/{first[1]['id']}/send", {"lines": None})
    assert problem["code"] == "transfer.promised"
    assert problem["detail"].startswith("Only 8 of SKU A-1 may leave")
    cancelled = api.send("POST", f"/stock/transfers/{first[1]['id']}/cancel", {"reason": "no need"})
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "no need")


def test_refusals_name_what_was_wrong(api: Api) -> None:
    assert api.refused(404, "GET", "/stock/transfers/77")["code"] == "transfer.unknown"
    assert api.refused(404, "POST", "/stock/transfers/77/ready")["code"] == "transfer.unknown"
    problem = api.refused(422, "POST", "/stock/transfers", {"transfers": [transfer(from_node="xx")]})
    assert (problem["code"], problem["outcomes"][0]["state"]) == ("node.unknown", "refused")
