"""Count sheets through the API."""

import pytest
from tests.api.calling import Api

from tongpan.inventory.models import Movement

pytestmark = pytest.mark.usefixtures("company")


def opened(api: Api, **more: object) -> str:
    sheet = {"source": "pda", "number": "C1", "node": "hz", "kind": "full"} | more
    outcome = api.send("POST", "/stock/count-sheets", {"sheets": [sheet]})["outcomes"][0]
    assert (outcome["state"], outcome["code"]) == ("accepted", "")
    return f"/stock/count-sheets/{outcome['id']}"


def test_a_device_fills_a_blind_sheet_and_hands_it_in(api: Api) -> None:
    path = opened(api, is_blind=True)
    assert [(x["sku"], x["book"], x["counted"]) for x in api.get(path)["lines"]] == [
        ("A-1", None, None),
        ("B-2", None, None),
    ]

    body = {"entries": [{"sku": "A-1", "qty": 10}, {"sku": "B-2", "qty": 3}, {"sku": "no", "qty": 1}]}
    outcomes = api.send("POST", f"{path}/entries", body)["outcomes"]
    assert [x["state"] for x in outcomes] == ["accepted", "accepted", "refused"]
    assert api.get(path)["lines"][0]["variance"] is None, "still blind"
    answer = api.send("POST", f"{path}/submit", {})

    assert answer["state"] == "booked"
    assert [(x["sku"], x["book"], x["counted"], x["variance"], x["applied"]) for x in answer["lines"]] == [
        ("A-1", 10, 10, 0, 0),
        ("B-2", 3, 3, 0, 0),
    ]
    assert not Movement.objects.filter(kind="counted").exists()
    accuracy = api.get("/stock/accuracy?days=30")
    assert (accuracy["mode"], accuracy["target"]) == ("units", "0.98")
    assert accuracy["nodes"] == [accuracy["total"] | {"node": "杭州仓"}]
    assert (accuracy["total"]["ratio"], accuracy["total"]["is_met"]) == ("1.0000", True)


def test_a_count_far_off_waits_for_a_person(api: Api) -> None:
    path = opened(api, kind="cycle", skus=["A-1"])
    api.send("POST", f"{path}/entries", {"entries": [{"sku": "A-1", "qty": 2}]})

    assert api.refused(422, "POST", f"{path}/submit", {})["code"] == "count.reason"
    assert api.send("POST", f"{path}/submit", {"reason": "theft"})["state"] == "submitted"

    assert api.get("/stock/levels?sku=A-1")["items"][0]["on_hand"] == 10
    assert [x["number"] for x in api.get("/stock/count-sheets?state=submitted&node=hz")["items"]] == ["C1"]
    assert api.refused(422, "POST", f"{path}/entries", {"entries": [{"sku": "A-1", "qty": 1}]})["code"] == "count.state"


def test_refusals_name_what_was_wrong(api: Api) -> None:
    assert api.refused(404, "GET", "/stock/count-sheets/9")["code"] == "count.unknown"
    assert api.refused(404, "POST", "/stock/count-sheets/9/submit", {})["code"] == "count.unknown"
    entries = {"counted_at": "2030-01-01T00:00:00Z", "entries": [{"sku": "A-1", "qty": 1}]}
    assert api.refused(422, "POST", f"{opened(api)}/entries", entries)["code"] == "count.time"
