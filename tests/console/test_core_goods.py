"""The page of core goods."""

import pytest
from tests.support.company import open_company, put

from tongpan.inventory.models import Cover


@pytest.fixture
def stocked(db):
    open_company()
    put("sh", A=3, B=9)


def test_a_sku_is_made_core_and_shows_where_it_runs_below(sign_in, stocked):
    client = sign_in()
    assert "No SKU is core" in client.get("/stock/core/").content.decode()

    answer = client.post("/stock/core/edit/", {"sku": "A", "is_core": "on", "units": "5", "days": "0"})
    page = client.get("/stock/core/?state=below").content.decode()

    assert answer.status_code == 302
    assert Cover.objects.get().units == 5
    assert page.count("badge-bad") == 2
    assert "badge-bad" not in client.get("/stock/core/?state=fine").content.decode()
    export = b"".join(client.get("/stock/core/export/").streaming_content).decode()
    assert len(export.splitlines()) == 3


def test_a_sku_that_is_not_there_is_said_to_be_unknown(sign_in, stocked):
    page = sign_in().post("/stock/core/edit/", {"sku": "Z", "units": "5", "days": "0"}).content.decode()

    assert "no SKU" in page and not Cover.objects.exists()


def test_who_may_only_look_changes_nothing(sign_in, stocked):
    client = sign_in("viewer")

    assert client.get("/stock/core/").status_code == 200
    assert client.get("/stock/core/edit/").status_code == 403
