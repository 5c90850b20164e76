"""Quality inspections through the API."""

import pytest
from tests.api.calling import Api

pytestmark = pytest.mark.usefixtures("company")
CHECKS = [{"check": c, "failed": 0} for c in ("appearance", "packaging", "label", "function", "expiry", "safety")]


def one(number: str, **more: object) -> dict[str, object]:
    return {
        "source": "wms",
        "number": number,
        "kind": "receipt",
        "node": "hz",
        "sku": "A-1",
        "lot": 10,
        "checks": CHECKS,
        "supplier": "Factory 7",
    } | more


def test_a_failed_lot_is_off_sale_and_the_list_says_so(api: Api) -> None:
    failing = [CHECKS[0] | {"failed": 2, "note": "scratched"}, *CHECKS[1:]]

    first, bad = api.send(
        "POST", "/stock/inspections", {"inspections": [one("1", checks=failing), one("2", sku="no")]}
    )["outcomes"]

    assert (first["state"], first["passed"], first["moved"], first["held"]) == ("accepted", False, 2, 8)
    assert bad["code"] == "inspection.sku"
    assert api.get("/stock/levels?sku=A-1&node=hz&bucket=saleable")["items"][0]["on_hand"] == 0
    [hold] = api.get("/stock/quality-holds")["holds"]
    assert (hold["sku"], hold["node"], hold["units"]) == ("A-1", "hz", 8)
    [row] = api.get("/stock/inspections?result=failed&q=factory")["items"]
    assert row["is_held"] and row["checks"][0]["note"] == "scratched"
    assert api.get(f"/stock/inspections/{row['id']}") == row
    [quality] = api.get("/stock/quality?by=supplier&days=30")["rows"]
    assert (quality["name"], quality["ratio"]) == ("Factory 7", "0.4000")


def test_rules_are_read_and_written_and_a_contradiction_is_refused(api: Api) -> None:
    rules = {"rule": "all", "scope": "sku", "checks": [{"code": "look", "name": "Look", "is_critical": True}]}
    assert api.send("PUT", "/stock/quality-rules", rules) == rules
    assert api.get("/stock/quality-rules") == rules

    few = {"inspections": [one("3", sample=3, checks=[{"check": "look"}])]}
    assert api.refused(422, "POST", "/stock/inspections", few)["code"] == "inspection.sample"
    assert api.refused(404, "GET", "/stock/inspections/99")["code"] == "inspection.unknown"
