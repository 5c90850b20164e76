"""The page of visits, the form of the store desk, and a door counter's file."""

import json
import uuid

import pytest
from tests.support.company import open_company, put

from tongpan.catalog.models import Sku
from tongpan.core.clock import utc_now
from tongpan.network.actions import set_staff
from tongpan.tracking.models import Visit


@pytest.fixture
def clerk(db, sign_in):
    open_company()
    put("sh", A=3)
    client = sign_in("store")
    set_staff("store", ["sh"], actor="test", now=utc_now())
    return client


def test_a_clerk_writes_an_experience_down_once_and_the_list_shows_it(clerk, sign_in):
    assert "What the visitor did" in clerk.get("/desk/sh/visit/").content.decode()
    Sku.objects.filter(code="A").update(barcode="6901234567892")
    args = {"kind": "experience", "phone": "13800138000", "lines": [{"sku": "6901234567892"}], "note": "likes it"}
    body = json.dumps({"key": str(uuid.uuid4()), "node": "sh", "act": "visit", "args": args})
    answers = [clerk.post("/desk/-/act/", body, content_type="application/json").json() for _ in range(2)]

    assert [one["state"] for one in answers] == ["done", "done"]
    visit = Visit.objects.get()
    assert (visit.staff, visit.kind) == ("store", "experience")
    assert [one.sku.code for one in visit.goods.all()] == ["A"]
    manager = sign_in("manager")
    page = manager.get("/visits/?q=likes").content.decode()
    assert "likes it" in page and visit.customer.code in page and "13800138000" not in page
    assert "From the door to the till" in page
    export = b"".join(manager.get("/visits/export/?kind=experience").streaming_content).decode()
    assert len(export.splitlines()) == 2
    assert "Nothing matches" in manager.get("/visits/?kind=enter").content.decode()


def test_a_note_with_a_phone_number_is_refused_and_nothing_is_kept(clerk):
    args = {"kind": "enter", "note": "13800138000"}
    body = json.dumps({"key": str(uuid.uuid4()), "node": "sh", "act": "visit", "args": args})

    assert clerk.post("/desk/-/act/", body, content_type="application/json").json()["state"] == "refused"
    assert not Visit.objects.exists()
