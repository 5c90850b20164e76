"""The pages of quality inspection."""

import pytest
from tests.support.company import open_company, pool, put

from tongpan.inventory.actions.inspecting import quality_rules
from tongpan.inventory.models import Inspection, QualityHold

GIVEN = {"key": "0f0e0d0c-0000-4000-8000-000000000001", "kind": "receipt", "node": "sh", "sku": "A", "rule": "sample"}


@pytest.fixture
def stocked(db):
    open_company()
    put("sh", A=10)


def test_a_clerk_writes_down_what_failed_and_a_manager_releases_the_rest(sign_in, stocked):
    clerk = sign_in("administrator", username="clerk")
    assert "Nothing has been inspected yet" in clerk.get("/stock/inspections/").content.decode()

    answer = clerk.post("/stock/inspections/new/", GIVEN | {"lot": "10", "failed-safety": "1", "note-safety": "burns"})
    inspection = Inspection.objects.get()
    page = clerk.get(answer["Location"]).content.decode()

    assert pool("A") == (0, 0, 0)
    assert "burns" in page and "Release for sale" not in page
    assert "Off sale until somebody decides" in clerk.get("/stock/inspections/?result=failed").content.decode()
    manager = sign_in("manager")
    manager.post(f"/stock/inspections/{inspection.pk}/", {"decision": "released", "reason": "all looked at"})
    assert pool("A") == (9, 0, 0)
    assert QualityHold.objects.get().decided_by == "user:manager"
    export = b"".join(manager.get("/stock/inspections/export/").streaming_content).decode()
    assert len(export.splitlines()) == 2


def test_what_contradicts_itself_is_said_and_nothing_moves(sign_in, stocked):
    page = sign_in().post("/stock/inspections/new/", GIVEN | {"lot": "10", "sample": "2"}).content.decode()

    assert "at least 5" in page
    assert not Inspection.objects.exists() and pool("A") == (10, 0, 0)


def test_the_checklist_is_edited_by_rows_and_only_by_those_who_decide(sign_in, stocked):
    given = {"rule": "all", "scope": "sku", "code-0": "look", "name-0": "Look", "critical-0": "1", "code-3": "ink"}
    page = sign_in("manager").post("/stock/inspections/rules/", given).content.decode()
    assert "ink needs a name" in page

    client = sign_in("manager", username="second")
    assert client.post("/stock/inspections/rules/", given | {"name-3": "Ink"}).status_code == 302
    assert [check.code for check in quality_rules().checks] == ["look", "ink"]
    assert sign_in("store").get("/stock/inspections/rules/").status_code == 403
