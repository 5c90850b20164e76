"""The API of prices seen, patrols, violation cases, complaints and diversion."""

from datetime import timedelta

import pytest
from tests.api.calling import Api, cny
from tests.support.company import NOW
from tests.support.patrol import open_dealer, open_price_book

pytestmark = pytest.mark.usefixtures("company")
SEEN = {
    "sku": "A",
    "channel": "tmall",
    "seller_class": "unauthorised",
    "seller": "stranger",
    "listed": cny("95.00"),
    "discounts_text": "券15",
    "observed_at": NOW.isoformat(),
    "observer": "crawler",
}


def test_prices_are_taken_in_each_with_its_outcome_and_listed(api: Api) -> None:
    open_price_book()
    structured = {"discounts": [{"kind": "coupon", "amount_minor": 1_500}], "discounts_text": "", "seller": "other"}

    told = api.send(
        "POST",
        "/price-observations",
        {
            "observations": [
                SEEN,
                SEEN | structured,
                SEEN | {"discounts_text": "second for free"},
                SEEN | {"listed": cny("1.234")},
                SEEN,
            ]
        },
    )["outcomes"]

    assert [(one["state"], one["code"]) for one in told] == [
        ("accepted", ""),
        ("accepted", ""),
        ("refused", "observation.discounts"),
        ("refused", "observation.amount"),
        ("unchanged", ""),
    ]
    assert (told[0]["effective"], told[0]["finding"]) == (cny("80.00"), "under_floor")
    page = api.get("/price-observations?finding=any&limit=1")
    assert (page["items"][0]["seller"], page["items"][0]["deviation_bp"]) == ("other", -2_000)
    assert api.get(f"/price-observations?finding=any&cursor={page['next']}")["items"][0]["seller"] == "stranger"


def test_a_case_is_taken_step_by_step_and_an_old_revision_is_refused(api: Api) -> None:
    open_price_book()
    api.send("POST", "/price-observations", {"observations": [SEEN]})
    [case] = api.get("/violations")["items"]
    path = f"/violations/{case['id']}"

    api.send("POST", f"{path}/evidence", {"kind": "statement", "note": "seen twice"})
    first = api.send("POST", f"{path}/steps", {"revision": 1, "step": "confirmed"})
    late = api.refused(422, "POST", f"{path}/steps", {"revision": 1, "step": "dismissed", "reason": "x"})
    poor = api.refused(422, "POST", f"{path}/steps", {"revision": 2, "step": "fine"})
    done = api.send("POST", f"{path}/steps", {"revision": 2, "step": "warning", "language": "en"})

    assert (first["status"], late["code"], poor["code"], done["status"]) == (
        "confirmed",
        "violation.changed",
        "violation.step",
        "warning",
    )
    whole = api.get(path)
    assert [one["kind"] for one in whole["steps"]] == ["open", "confirmed", "warning"]
    assert [one["kind"] for one in whole["evidence"]] == ["observation", "statement"]
    assert "Effective price: 80.00 CNY" in whole["letters"][0]["text"]
    assert api.refused(404, "GET", "/violations/99999")["code"] == "violation.unknown"


def test_plans_wars_competitors_and_rules(api: Api) -> None:
    open_price_book()
    plan = {"name": "weekly", "skus": ["A"], "channels": ["tmall"], "every_days": 7, "assignee": "wang"}

    api.send("POST", "/price-patrols", plan | {"starts_on": "2026-01-01"})
    rival = {"seller_class": "competitor", "discounts_text": "", "observed_at": NOW.isoformat()}
    rules = api.send("POST", "/price-patrols/rules", {"rules": {"competitor_days": 365, "near_percent": 1}})
    api.send("POST", "/price-observations", {"observations": [SEEN | rival]})

    assert [one["sku"] for one in api.get("/price-patrols/due?assignee=wang")["items"]] in ([], ["A"])
    assert (rules["version"], rules["rules"]["near_percent"]) == (1, 1)
    assert api.get("/price-patrols/rules") == rules
    [found] = api.get("/competitor-prices")["items"]
    assert (found["action"], found["amount"], found["ours"]) == ("match", cny("95.00"), cny("100.00"))
    assert api.get("/price-wars?state=")["items"] == []
    assert api.refused(422, "POST", "/price-patrols/rules", {"rules": {"basket": 1}})["code"] == "patrol.rules"


def test_a_complaint_is_linked_to_the_conflict(api: Api) -> None:
    open_price_book()
    api.send("POST", "/price-observations", {"observations": [SEEN]})
    complaint = {"channel": "tmall", "id": "C1", "sku": "A", "text": "买贵了", "said_at": NOW.isoformat()}

    [told] = api.send("POST", "/price-complaints", {"complaints": [complaint]})["outcomes"]

    assert (told["state"], told["conflict"]) == ("accepted", "violation")
    [row] = api.get("/price-complaints?conflict=violation")["items"]
    assert row["case"] == api.get("/violations")["items"][0]["id"]


def test_diversion_is_scored_on_demand_with_its_inputs_and_rules(api: Api) -> None:
    open_price_book()
    open_dealer()
    assert api.get("/diversion")["run"] is None
    at = (NOW - timedelta(days=3)).isoformat()
    codes = [{"kind": "serial", "code": f"S{n}", "sku": "A", "dealer": "d1", "shipped_at": at} for n in range(3)]
    seen = [
        {"kind": "serial", "code": f"S{n}", "what": "scan", "province": "北京", "seen_at": NOW.isoformat()}
        for n in range(3)
    ]

    assert {one["state"] for one in api.send("POST", "/goods-codes", {"codes": codes})["outcomes"]} == {"accepted"}
    api.send("POST", "/goods-codes/sightings", {"sightings": seen})
    api.send("POST", "/diversion/rules", {"rules": {"window_days": 730, "weights": {"codes": 100}, "sure_bp": 9000}})
    look = api.send("POST", "/diversion/runs", {})

    assert (look["subjects"], look["striking"], len(look["cases"])) == (1, 1, 1)
    [row] = api.get("/diversion?level=case")["items"]
    whole = api.get(f"/diversion/scores/{row['id']}")
    assert (row["party"], row["score"], whole["is_reproduced"]) == ("dealer:d1", 90, True)
    assert len(whole["inputs"]["seen"]) == 3
    assert api.get("/diversion/rules")["rules"]["weights"]["codes"] == 100
