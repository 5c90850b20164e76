"""Alerts and replenishment through the API."""

import pytest
from tests.api.calling import NOW, Api

from tongpan.core.bulk import execute
from tongpan.inventory.actions import watch_lines

pytestmark = pytest.mark.usefixtures("company")


def test_a_proposal_is_listed_with_its_alert_and_accepted(api: Api) -> None:
    execute(
        """INSERT INTO inventory_nodepolicy (node_id, sku_id, safety_stock, routing_floor, safety_line)
           SELECT n.id, s.id, 0, 0, 4 FROM network_node n, catalog_sku s WHERE n.code = 'sh' AND s.code = 'A-1'"""
    )
    watch_lines(None, now=NOW)

    assert [(a["node"], a["sku"], a["units"], a["line"]) for a in api.get("/stock/alerts?node=sh")["items"]] == [
        ("sh", "A-1", 0, 4)
    ]
    [one] = api.get("/stock/replenishments")["items"]
    assert (one["node"], one["from_node"], one["qty"], one["is_urgent"], one["state"], one["is_late"]) == (
        "sh",
        "hz",
        8,
        False,
        "proposed",
        False,
    )
    body = {"ids": [one["id"], 99]}
    outcomes = api.send("POST", "/stock/replenishments/accept", body)["outcomes"]
    assert [(x["state"], x["code"]) for x in outcomes] == [("accepted", ""), ("refused", "replenish.unknown")]
    [one] = api.get("/stock/replenishments?node=hz&sku=A-1")["items"]
    assert api.get(f"/stock/transfers/{one['transfer']}")["state"] == "draft"


def test_an_urgent_request_is_taken_once_and_dismissed_with_a_word(api: Api) -> None:
    request = {"source": "live", "number": "8pm", "node": "sh", "sku": "A-1", "qty": 3, "reason": "live room"}

    first = api.send("POST", "/stock/replenishments/urgent", {"requests": [request]})["outcomes"][0]
    again = api.send("POST", "/stock/replenishments/urgent", {"requests": [request]})["outcomes"][0]

    assert (first["state"], again["state"], again["id"]) == ("accepted", "unchanged", first["id"])
    [one] = api.get("/stock/replenishments")["items"]
    assert (one["is_urgent"], one["due_at"], one["from_node"]) == (True, "2026-11-18T12:00:00Z", "hz")
    api.send("POST", "/stock/replenishments/dismiss", {"ids": [one["id"]], "decision": "show is off"})
    [one] = api.get("/stock/replenishments?state=dismissed")["items"]
    assert one["decision"] == "show is off"
    bad = {"requests": [request | {"number": "9pm", "sku": "none"}]}
    assert api.refused(422, "POST", "/stock/replenishments/urgent", bad)["code"] == "sku.unknown"
