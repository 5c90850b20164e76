"""Returns, refunds, exchanges and claims through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.api.calling import NOW, Api, cny, order

pytestmark = pytest.mark.usefixtures("company")


def arrived(api: Api, number: str = "T1") -> None:
    """An order that arrived two days ago."""
    times = {
        name: (NOW - timedelta(days=days)).isoformat()
        for name, days in (("placed_at", 5), ("paid_at", 5), ("dispatched_at", 4), ("delivered_at", 2))
    }
    api.send("POST", "/orders", {"orders": [order(number, **times)]})


def case(**changes: Any) -> dict[str, Any]:
    whole = {
        "kind": "return",
        "shop": "flagship",
        "order_number": "T1",
        "lines": [{"line": 1, "qty": 1, "reason": "quality"}],
    }
    return {"cases": [whole | changes]}


def test_a_return_is_quoted_asked_for_received_inspected_and_refunded(api: Api) -> None:
    arrived(api)
    (quote,) = api.send("POST", "/return-cases/quote", case())["quotes"]
    assert (quote["is_allowed"], quote["total"], quote["approval"]) == (True, cny("32.90"), "")
    assert [(t["method"], t["amount"]["amount"]) for t in quote["tenders"]] == [("alipay", "32.90")]

    (made,) = api.send("POST", "/return-cases", case())["outcomes"]
    assert (made["state"], made["status"]) == ("done", "approved")
    path = f"/return-cases/{made['case']}"
    parcel = {"case": made["case"], "carrier": "SF", "tracking_number": "SF1"}
    assert api.send("POST", "/return-cases/send", {"parcels": [parcel]})["outcomes"][0]["status"] == "in_transit"
    api.send("POST", "/return-cases/receive", {"cases": [made["case"]], "node": "hz"})
    found = {"found": [{"line": 1, "disposition": "damaged", "qty": 1, "note": "handle off"}]}
    api.send("POST", f"{path}/inspect", found)
    whole = api.get(path)
    (refund,) = whole["refunds"]
    assert (refund["status"], refund["goods"], refund["charges"]) == ("approved", cny("29.90"), cny("3.00"))
    api.send("POST", "/refunds/paid", {"refunds": [refund["id"]], "reference": "ref"})

    whole = api.get(path)
    assert (whole["status"], whole["return_number"]) == ("closed", whole["number"])
    assert [event["kind"] for event in whole["events"]][:3] == ["requested", "approved", "in_transit"]
    assert whole["inspections"] == [{"line": 1, "disposition": "damaged", "qty": 1, "note": "handle off"}]
    assert [row["id"] for row in api.get("/return-cases?status=closed&quality=yes&text=T1")["items"]] == [made["case"]]
    assert api.get("/return-cases?status=open")["items"] == []


def test_a_request_that_is_refused_says_why_and_writes_nothing(api: Api) -> None:
    arrived(api)

    many = api.refused(422, "POST", "/return-cases", case(lines=[{"line": 1, "qty": 3, "reason": "quality"}]))
    other = api.refused(422, "POST", "/return-cases", case(shop="flagship", order_number="T9"))
    money = api.refused(422, "POST", "/return-cases", case(kind="refund_only", way="none", amount={
        "amount": "1", "currency": "EUR"}))  # fmt: skip
    unknown = api.refused(422, "POST", "/return-cases/receive", {"cases": [1], "node": "nowhere"})

    assert (many["code"], other["code"], money["code"]) == ("return.too_many", "order.unknown", "return.currency")
    assert (many["detail"], unknown["code"]) == (
        "Line 1 (A-1): 2 were bought, so 2 can come back, not 3.", "return.node",
    )  # fmt: skip
    assert api.get("/return-cases")["items"] == []
    assert api.refused(404, "GET", "/return-cases/7")["code"] == "case.unknown"


def test_a_policy_is_read_changed_and_checked(api: Api) -> None:
    policy = api.get("/return-policy")
    assert (policy["version"], policy["rules"]["no_reason_days"], policy["rules"]["extended_days"]) == (0, 7, 30)

    saved = api.send("POST", "/return-policy", {"version": 0, "rules": policy["rules"] | {"no_reason_days": 15}})
    stale = api.refused(422, "POST", "/return-policy", {"version": 0, "rules": {}})
    wrong = api.refused(422, "POST", "/return-policy", {"version": 1, "rules": {"no_reason_days": -1}})

    assert (saved["version"], saved["rules"]["no_reason_days"]) == (1, 15)
    assert (stale["code"], wrong["code"]) == ("returns.version", "returns.policy")
