"""The pages of webhooks."""

from __future__ import annotations

from tongpan.access.models import AuditEntry
from tongpan.access.vault import open_sealed
from tongpan.connectors.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery

FORM = {"name": "erp", "url": "https://erp.example.com/hook", "events": ["order.accepted"], "is_active": "on"}


def test_a_webhook_is_made_and_shows_its_secret_only_when_asked(sign_in) -> None:
    client = sign_in("manager")
    assert "No webhook yet" in client.get("/webhooks/").content.decode()

    answer = client.post("/webhooks/new/", FORM)

    row = Webhook.objects.get()
    assert answer["Location"] == f"/webhooks/{row.pk}/"
    secret = open_sealed(row.secret_sealed)
    assert secret not in client.get(f"/webhooks/{row.pk}/").content.decode()
    assert secret in client.post(f"/webhooks/{row.pk}/secret/").content.decode()
    assert AuditEntry.objects.filter(action="webhook.secret_shown", actor="user:manager").count() == 1
    assert "erp.example.com" in client.get("/webhooks/").content.decode()


def test_an_inner_address_is_refused_on_the_form(sign_in) -> None:
    answer = sign_in("manager").post("/webhooks/new/", FORM | {"url": "https://10.0.0.1/"})

    assert "10.0.0.1 is no public address" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_test_message_and_its_attempts_are_shown(sign_in) -> None:
    client = sign_in("manager")
    client.post("/webhooks/new/", FORM)
    row = Webhook.objects.get()

    answer = client.post(f"/webhooks/{row.pk}/test/", follow=True)
    delivery = WebhookDelivery.objects.get()
    page = answer.content.decode()
    assert "No attempt yet" in page
    assert delivery.message_id in page
    WebhookAttempt.objects.create(
        delivery=delivery, number=1, at=delivery.created_at, duration_ms=12, status=503, response="<b>busy</b>"
    )
    page = client.get(f"/webhooks/deliveries/{delivery.pk}/").content.decode()
    assert "503" in page
    assert "&lt;b&gt;busy" in page
    assert delivery.message_id in client.get(f"/webhooks/{row.pk}/?state=waiting&event=webhook.test").content.decode()
    assert delivery.message_id not in client.get(f"/webhooks/{row.pk}/?state=failed").content.decode()


def test_replay_rotate_edit_and_delete(sign_in) -> None:
    client = sign_in("manager")
    client.post("/webhooks/new/", FORM)
    row = Webhook.objects.get()
    address = f"/webhooks/{row.pk}/"
    client.post(f"{address}test/")
    WebhookDelivery.objects.update(state="failed")

    client.post(f"/webhooks/deliveries/{WebhookDelivery.objects.get().pk}/replay/")
    assert WebhookDelivery.objects.get().state == "waiting"
    wrong = client.post(f"{address}replay/", {"begin": "2026-11-02T10:00", "end": "2026-11-01T10:00"})
    assert "must lie after its beginning" in wrong.content.decode()
    done = client.post(f"{address}replay/", {"begin": "2020-11-01T10:00", "end": "2020-11-02T10:00"}, follow=True)
    assert "0 messages are sent again" in done.content.decode()
    client.post(f"{address}rotate/")
    assert open_sealed(Webhook.objects.get().previous_sealed) == open_sealed(row.secret_sealed)
    client.post(f"{address}edit/", FORM | {"name": "wms"})
    assert Webhook.objects.get().name == "wms"
    client.post(f"{address}delete/")
    assert not Webhook.objects.exists()


def test_who_may_only_look_elsewhere_sees_nothing_of_webhooks(sign_in) -> None:
    client = sign_in("analyst")

    assert client.get("/webhooks/").status_code == 403
    assert client.post("/webhooks/new/", FORM).status_code == 403
    assert not Webhook.objects.exists()
