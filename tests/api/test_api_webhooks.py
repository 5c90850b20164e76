"""Webhooks through the API."""

from __future__ import annotations

from tests.api.calling import Api

from tongpan.access.models import AuditEntry
from tongpan.connectors.webhooks.models import Webhook, WebhookDelivery
from tongpan.connectors.webhooks.signing import key_of

HOOK = {"name": "erp", "url": "https://erp.example.com/hook", "events": ["order.accepted"]}


def test_a_subscription_is_made_read_changed_rotated_and_deleted(api: Api) -> None:
    made = api.send("POST", "/webhooks", HOOK)
    assert (made["name"], made["payload"], made["is_active"]) == ("erp", "thin", True)
    address = f"/webhooks/{made['id']}"
    first = api.get(f"{address}/secret")["secret"]
    assert len(key_of(first)) == 32

    changed = api.send("PUT", address, HOOK | {"payload": "full", "is_active": False})
    assert (changed["payload"], changed["is_active"]) == ("full", False)
    assert api.send("POST", f"{address}/rotate", None)["previous_secret_until"] is not None
    assert api.get(f"{address}/secret")["secret"] != first

    assert [one["name"] for one in api.get("/webhooks")["items"]] == ["erp"]
    assert api.send("DELETE", address, None) == {"deleted": True}
    assert not Webhook.objects.exists()
    api.refused(404, "GET", address)
    notes = AuditEntry.objects.filter(object_type="webhook").order_by("id").values_list("action", flat=True)
    assert list(notes) == [
        "webhook.created", "webhook.secret_shown", "webhook.changed", "webhook.rotated", "webhook.secret_shown",
        "webhook.deleted",
    ]  # fmt: skip


def test_the_secret_is_in_no_answer_but_its_own(api: Api) -> None:
    made = api.call("POST", "/webhooks", HOOK, Idempotency_Key="k1")
    assert b"whsec_" not in made.content
    secret = api.get(f"/webhooks/{made.json()['id']}/secret")["secret"]
    assert secret.encode() not in bytes(Webhook.objects.get().secret_sealed)


def test_what_cannot_be_subscribed_to_is_refused_in_a_sentence(api: Api) -> None:
    for change, code in (
        ({"url": "https://127.0.0.1/"}, "webhook.address"),
        ({"url": "http://erp.example.com/"}, "webhook.url"),
        ({"events": ["order.eaten"]}, "webhook.events"),
        ({"name": "   "}, "webhook.name"),
    ):
        assert api.refused(422, "POST", "/webhooks", HOOK | change)["code"] == code
    api.send("POST", "/webhooks", HOOK)
    assert api.refused(422, "POST", "/webhooks", HOOK)["code"] == "webhook.name_taken"
    assert Webhook.objects.count() == 1


def test_deliveries_and_replays(api: Api) -> None:
    webhook = api.send("POST", "/webhooks", HOOK)
    test = api.send("POST", f"/webhooks/{webhook['id']}/test", None)
    assert (test["event"], test["state"], test["attempts"]) == ("webhook.test", "waiting", 0)

    [listed] = api.get(f"/webhooks/{webhook['id']}/deliveries?state=waiting")["items"]
    assert listed == test
    assert api.get(f"/webhooks/{webhook['id']}/deliveries?state=failed")["items"] == []
    whole = api.get(f"/webhook-deliveries/{test['id']}")
    assert (whole["tries"], '"type":"webhook.test"' in whole["body"]) == ([], True)

    WebhookDelivery.objects.update(state="failed", attempts=10)
    again = api.send("POST", f"/webhook-deliveries/{test['id']}/replay", None)
    assert (again["state"], again["attempts"], again["message_id"]) == ("waiting", 0, test["message_id"])
    api.refused(404, "POST", "/webhook-deliveries/999999/replay")
    sent = api.send(
        "POST",
        f"/webhooks/{webhook['id']}/replay",
        {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"},
    )
    assert sent == {"messages": 0}


def test_the_events_that_are_offered(api: Api) -> None:
    names = [one["name"] for one in api.get("/webhook-events")["events"]]

    assert {"order.accepted", "stock.changed", "fulfillment.dispatched", "return.received"} <= set(names)
