"""The pages of connections; secrets go in and never come out."""

from __future__ import annotations

from datetime import UTC, datetime

from tongpan.access.models import AuditEntry
from tongpan.access.vault import open_sealed
from tongpan.connectors.accounts.models import Account, Push

FORM = {
    "shop": "tm",
    "platform": "taobao",
    "app_key": "app-1",
    "secret": "S3cret-of-the-app",
    "access_token": "T0ken-of-the-shop",
    "options": "carrier.SF=SF-EXPRESS",
    "is_active": "on",
}


def test_a_shop_is_connected_and_its_secrets_are_shown_to_nobody(company, sign_in) -> None:
    client = sign_in("manager")
    assert "No shop is connected yet" in client.get("/connections/").content.decode()

    answer = client.post("/connections/new/", FORM)

    assert answer["Location"] == "/connections/shops/tm/"
    row = Account.objects.get()
    assert open_sealed(row.secret) == FORM["secret"]
    assert row.options == {"carrier.SF": "SF-EXPRESS"}
    pages = [client.get(f"/connections/{rest}").content.decode() for rest in ("", "shops/tm/", "shops/tm/edit/")]
    for secret in (FORM["secret"], FORM["access_token"]):
        assert not any(secret in page for page in pages)
    entry = AuditEntry.objects.get(action="account.added")
    assert entry.actor == "user:manager"
    assert FORM["secret"] not in str(entry.data)


def test_an_empty_secret_keeps_the_one_there_is(company, sign_in) -> None:
    client = sign_in("manager")
    client.post("/connections/new/", FORM)

    client.post("/connections/shops/tm/edit/", FORM | {"secret": "", "access_token": "", "app_key": "app-2"})

    row = Account.objects.get()
    assert (row.app_key, open_sealed(row.secret)) == ("app-2", FORM["secret"])


def test_what_is_wrong_with_a_connection_is_said_on_the_form(company, sign_in) -> None:
    client = sign_in("manager")

    address = client.post("/connections/new/", FORM | {"endpoint": "http://shop.example"}).content.decode()
    option = client.post("/connections/new/", FORM | {"options": "nonsense"}).content.decode()

    assert "must begin with https://" in address
    assert "nonsense is not NAME=VALUE." in option
    assert not Account.objects.exists()


def test_who_may_not_edit_connects_nothing(company, sign_in) -> None:
    assert sign_in("analyst").get("/connections/").status_code == 403
    assert sign_in("store").post("/connections/new/", FORM).status_code == 403
    assert not Account.objects.exists()


def test_a_parcel_that_a_platform_was_not_told_of_is_an_incident_that_a_person_ends(company, sign_in) -> None:
    client = sign_in("manager")
    client.post("/connections/new/", FORM)
    row = Account.objects.get()
    now = datetime.now(UTC)
    push = Push.objects.create(
        account=row, kind="shipment", key=7, state="dead", next_at=now, created_at=now, last_error="<b>closed</b>"
    )

    page = client.get("/connections/").content.decode()
    answer = client.post(f"/connections/pushes/{push.pk}/", {"decision": "dismiss"})

    assert "1 parcel left and its platform does not know" in page
    assert "&lt;b&gt;closed" in page
    assert answer["Location"] == "/connections/shops/tm/"
    push.refresh_from_db()
    assert push.state == "dismissed"
    assert "does not know" not in client.get("/connections/").content.decode()
    assert AuditEntry.objects.filter(action="push.dismissed", actor="user:manager").count() == 1


def test_a_connection_is_removed(company, sign_in) -> None:
    client = sign_in("manager")
    client.post("/connections/new/", FORM)

    client.post("/connections/shops/tm/remove/")

    assert not Account.objects.exists()
    assert AuditEntry.objects.filter(action="account.removed").count() == 1
