"""Accounts through the API: secrets go in and never come out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.api.calling import Api

from tongpan.access.models import AuditEntry
from tongpan.access.vault import open_sealed
from tongpan.connectors.accounts.models import Account, Push, RefusedOrder
from tongpan.core.bulk import fetch_all

pytestmark = pytest.mark.usefixtures("company")
BODY = {"platform": "taobao", "app_key": "app-1", "secret": "S3cret-of-the-app", "access_token": "T0ken-of-the-shop"}


def test_a_shop_is_connected_read_changed_and_removed(api: Api) -> None:
    made = api.call("PUT", "/accounts/flagship", BODY)
    assert made.status_code == 200
    assert made.json()["health"] == "new"
    assert made.json()["endpoint"] == "https://eco.taobao.com/router/rest"

    changed = api.send(
        "PUT", "/accounts/flagship", {"platform": "taobao", "options": {"carrier.SF": "SF"}, "is_active": False}
    )
    assert (changed["app_key"], changed["options"], changed["is_active"]) == ("app-1", {"carrier.SF": "SF"}, False)
    assert open_sealed(Account.objects.get().secret) == BODY["secret"]
    shown = str([api.get("/accounts"), api.get("/accounts/flagship"), changed, made.json()])
    trail = str(list(AuditEntry.objects.values_list("data", flat=True)))
    for secret in (BODY["secret"], BODY["access_token"]):
        assert secret not in shown + trail

    assert api.send("DELETE", "/accounts/flagship", None) == {"removed": True}
    api.refused(404, "GET", "/accounts/flagship")
    api.refused(404, "DELETE", "/accounts/flagship", None)
    notes = AuditEntry.objects.filter(object_type="account").order_by("id").values_list("action", flat=True)
    assert list(notes) == ["account.added", "account.changed", "account.removed"]


def test_what_cannot_be_connected_is_refused_in_a_sentence(api: Api) -> None:
    for change, code in (
        ({"platform": "amazon"}, "platform.not_yet"),
        ({"platform": "ebay"}, "platform.unknown"),
        ({"endpoint": "http://shop.example"}, "account.endpoint"),
        ({"endpoint": "https://user:pw@shop.example"}, "account.endpoint"),
        ({"platform": "woocommerce"}, "account.endpoint"),
    ):
        assert api.refused(422, "PUT", "/accounts/flagship", BODY | change)["code"] == code
    assert api.refused(422, "PUT", "/accounts/nowhere", BODY)["code"] == "shop.unknown"
    api.send("PUT", "/accounts/flagship", BODY)
    other = {"platform": "jd"}
    assert api.refused(422, "PUT", "/accounts/flagship", other)["code"] == "account.platform"
    assert Account.objects.get().platform == "taobao"


def test_a_pull_is_put_into_the_queue_once(api: Api) -> None:
    api.send("PUT", "/accounts/flagship", BODY)

    answers = [api.send("POST", "/accounts/flagship/pull", None) for _ in range(2)]

    assert answers == [{"started": True}] * 2
    jobs = fetch_all("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'connectors.pull_account'")
    assert jobs == [(1,)]
    api.refused(404, "POST", "/accounts/nowhere/pull", None)


def test_what_could_not_be_told_is_listed_sent_again_and_dismissed(api: Api) -> None:
    api.send("PUT", "/accounts/flagship", BODY)
    row, now = Account.objects.get(), datetime.now(UTC)
    common = {"account": row, "state": "dead", "next_at": now, "created_at": now, "last_error": "closed"}
    first = Push.objects.create(kind="shipment", key=7, **common)
    second = Push.objects.create(kind="stock", key=8, **common)

    assert [one["id"] for one in api.get("/pushes?state=dead")["items"]] == [second.pk, first.pk]
    assert [one["key"] for one in api.get("/pushes?kind=shipment")["items"]] == [7]
    assert api.get("/accounts/flagship")["not_told"] == 2
    assert api.send("POST", f"/pushes/{first.pk}/send-again", None)["state"] == "waiting"
    assert api.send("POST", f"/pushes/{second.pk}/dismiss", None)["state"] == "dismissed"
    assert api.refused(422, "POST", f"/pushes/{second.pk}/dismiss", None)["code"] == "push.state"
    api.refused(404, "POST", "/pushes/999999/dismiss", None)


def test_refused_orders_are_listed_with_their_reason_and_without_what_the_platform_sent(api: Api) -> None:
    api.send("PUT", "/accounts/flagship", BODY)
    now = datetime.now(UTC)
    RefusedOrder.objects.create(
        account=Account.objects.get(),
        external_id="T1",
        code="document.line",
        reason="No SKU.",
        raw=b"x",
        refused_at=now,
    )

    items = api.get("/accounts/flagship/refused-orders")["items"]

    assert [(one["number"], one["code"], one["reason"]) for one in items] == [("T1", "document.line", "No SKU.")]
    assert "raw" not in items[0]
