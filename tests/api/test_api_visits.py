"""Visits and door counts through the API."""

import pytest
from tests.api.calling import NOW, Api

pytestmark = pytest.mark.usefixtures("company")
AT = NOW.isoformat()


def test_visits_come_in_as_a_batch_and_are_listed_and_added_up(api: Api) -> None:
    visitor = {"kind": "phone", "value": "13800138000"}
    visits = [
        {"source": "tablet", "number": "1", "node": "hz", "at": AT, "kind": "try_on", "goods": ["A-1"]},
        {"source": "tablet", "number": "2", "node": "hz", "at": AT, "visitor": visitor},
        {"source": "tablet", "number": "3", "node": "no", "at": AT},
    ]

    outcomes = api.send("POST", "/visits", {"visits": visits})["outcomes"]
    doors = {"counts": [{"node": "hz", "hour": AT, "entered": 12}]}
    assert api.send("POST", "/door-counts", doors)["outcomes"][0]["state"] == "accepted"

    assert [(o["state"], o["code"]) for o in outcomes] == [
        ("accepted", ""),
        ("accepted", ""),
        ("refused", "visit.node"),
    ]
    [second, first] = api.get("/visits?node=hz")["items"]
    assert (first["goods"], first["customer"], first["bought"]) == (["A-1"], None, False)
    assert second["customer"].startswith("C")
    assert "13800138000" not in str(api.get("/visits"))
    [row] = api.get("/visits/by-store?days=30")["rows"]
    assert (row["entered"], row["visits"], row["experiences"], row["known"], row["bought"]) == (12, 2, 1, 1, 0)
    day = row["day"]
    assert api.get(f"/footfall?node=hz&day_from={day}&day_to=2030-01-01")["hours"][0]["entered"] == 12


def test_a_batch_of_which_nothing_can_be_taken_is_refused(api: Api) -> None:
    visits = {"visits": [{"source": "t", "number": "1", "node": "hz", "at": AT, "note": "ring 13800138000"}]}
    assert api.refused(422, "POST", "/visits", visits)["code"] == "visit.personal"
