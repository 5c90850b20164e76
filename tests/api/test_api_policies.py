"""Policies, live sessions, floors, listings and published stock through the API."""

import pytest
from tests.api.calling import Api

from tongpan.core.clock import utc_now
from tongpan.inventory.actions.publishing import Concerned, republish

pytestmark = pytest.mark.usefixtures("company")


def republished() -> None:
    republish(Concerned(everything=True), now=utc_now())


def test_what_is_published_and_why(api: Api) -> None:
    listings = [{"shop": "flagship", "item": "1", "sku": "A-1"}, {"shop": "flagship", "item": "2", "sku": "SET"}]
    kit = {"sku": "SET", "parts": [{"sku": "A-1", "qty": 2}, {"sku": "B-2", "qty": 1}]}
    document = {"source": "wms", "number": "1", "node": "hz", "occurred_at": "2026-11-18T15:00:00+08:00"}
    api.send("POST", "/stock/counts", {"documents": [document | {"lines": [{"sku": "SET", "qty": 0}]}]})
    assert api.send("POST", "/kits", {"kits": [kit]}) == {"saved": 1}
    assert api.send("POST", "/listings", {"listings": listings}) == {"saved": 2}
    floors = {"node": "hz", "sku": "A-1", "safety_stock": 3}
    assert api.send("POST", "/stock/floors", {"floors": [floors]}) == {"saved": 1}
    republished()

    plain, kits = api.get("/stock/published")["items"]

    assert (plain["item"], plain["qty"]) == ("1", 7)
    assert [(step["step"], step["units"], step["left"]) for step in plain["steps"]] == [
        ("on_hand", 10, 10),
        ("safety_stock", -3, 7),
    ]
    assert (kits["sku"], kits["qty"], kits["steps"][-1]["short"]) == ("SET", 3, "A-1")
    assert api.get("/stock/published?sku=SET")["items"] == [kits]


def test_policies_are_set_listed_and_taken_away(api: Api) -> None:
    policy = {"channel": "jd", "sku": "A-1", "mode": "reserved", "value": 4, "threshold": 1}
    assert api.send("POST", "/stock/policies", {"policies": [policy]}) == {"saved": 1}

    (found,) = api.get("/stock/policies?channel=jd")["items"]
    assert {name: found[name] for name in policy} == policy
    assert api.get("/stock/policies?channel=tmall")["items"] == []

    key = {"channel": "jd", "sku": "A-1"}
    assert api.send("POST", "/stock/policies/remove", {"policies": [key]}) == {"saved": 1}
    assert api.get("/stock/policies")["items"] == []


def test_a_live_session_fences_off_its_units(api: Api) -> None:
    session = {
        "channel": "jd", "name": "evening", "starts_at": "2026-11-18T20:00:00+08:00",
        "ends_at": "2026-11-18T22:00:00+08:00", "quotas": [{"sku": "A-1", "units": 4}],
    }  # fmt: skip
    assert api.send("POST", "/stock/live-sessions", session) == {"saved": 1}

    (found,) = api.get("/stock/live-sessions")["items"]

    assert (found["name"], found["quotas"]) == ("evening", [{"sku": "A-1", "units": 4, "used": 0}])
    assert api.get("/stock/policies")["items"][0]["live_session"] == "evening"


def test_the_mode_of_the_pool(api: Api) -> None:
    assert api.get("/stock/mode") == {"mode": "shared"}

    assert api.send("PUT", "/stock/mode", {"mode": "segregated"}) == {"mode": "segregated"}

    assert api.get("/stock/mode") == {"mode": "segregated"}


def test_what_cannot_be_is_refused_in_a_sentence(api: Api) -> None:
    policy = {"channel": "jd", "sku": "A-1", "mode": "percent", "value": 101}

    problem = api.refused(422, "POST", "/stock/policies", {"policies": [policy]})

    assert problem["code"] == "policy.value"
    assert problem["detail"] == "The policy of channel jd for A-1: a share lies between 0 and 100, not at 101."
    floors = {"floors": [{"node": "none"}]}
    assert api.refused(422, "POST", "/stock/floors", floors)["code"] == "policy.unknown"
    assert api.refused(422, "POST", "/stock/covers", {"covers": [{"sku": "none"}]})["code"] == "policy.unknown"
