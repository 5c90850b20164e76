"""Routing policies by the API: drafts, publishing, assignments, and dry runs."""

import pytest
from tests.api.calling import Api
from tests.support.company import DAY, NOW, open_company, paid, put
from tests.support.intake import take

from tongpan.fulfillment.dryrun.actions import run_dry

DOCUMENT = {"rules": [{"name": "far", "rank": ["distance desc"]}]}


@pytest.fixture
def company(db: None) -> None:
    open_company()


def test_a_policy_is_drafted_published_assigned_and_tried(company: None, api: Api) -> None:
    put("sh", A=5)
    put("hz", A=5)
    take(paid("1", placed_at=NOW - DAY))

    assert api.send("POST", "/routing/policies/check", {"document": {"rules": [{"name": "A"}]}}) == {
        "is_valid": False,
        "problems": [
            {
                "where": "rules[1].name",
                "sentence": "Give the rule a name of 1 to 40 small letters, digits and hyphens.",
            }
        ],
    }
    draft = api.send("PUT", "/routing/policies/far/draft", {"document": DOCUMENT, "name": "Far", "note": "try"})
    assert (draft["number"], draft["status"], draft["document"], draft["changed_by"]) == (
        1, "draft", DOCUMENT, "key:test",
    )  # fmt: skip
    asked = {"policy": "far", "version": "draft", "day_from": "2026-11-16", "day_to": "2026-11-19"}
    run = api.send("POST", "/routing/dry-runs", asked)
    assert (run["finished_at"], run["result"], run["version"]) == (None, None, 1)
    run_dry(run["id"])
    result = api.get(f"/routing/dry-runs/{run['id']}")["result"]
    assert (result["before"]["routed"], result["after"]["routed"]) == (1, 1)
    assert len(api.get(f"/routing/dry-runs/{run['id']}/changes")["items"]) == result["changed"]

    assert api.send("POST", "/routing/policies/far/publish", {})["status"] == "published"
    [own, *presets] = api.send("POST", "/routing/assignments", {"policy": "far", "channel": "tmall"})["items"]
    assert own == {
        "code": "far", "name": "Far", "is_preset": False, "published": 1, "draft": None, "scopes": ["channel:tmall"],
    }  # fmt: skip
    assert next(row["code"] for row in presets) == "nearest-then-fewest"
    assert api.get("/routing/assignments")["items"][0]["scope"] == "channel:tmall"
    assert [one["number"] for one in api.get("/routing/policies/far/versions")["items"]] == [1]
    assert api.get("/routing/policies/default-cn/versions")["items"][0]["document"]["after"]["auto_cancel_days"] == 7


def test_a_document_that_is_no_policy_and_what_there_is_not_are_refused(company: None, api: Api) -> None:
    problem = api.refused(422, "PUT", "/routing/policies/p/draft", {"document": {"rules": []}})
    assert problem["code"] == "policy.document"
    for path in ("/routing/policies/none/versions", "/routing/dry-runs/9", "/routing/dry-runs/9/changes"):
        api.refused(404, "GET", path)
