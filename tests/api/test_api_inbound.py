"""Webhooks in through the API."""

from __future__ import annotations

from tests.api.calling import NOW, Api

from tongpan.connectors.inbound.models import InboundMessage, InboundSource

SOURCE = {"kind": "standard", "shop": "flagship"}


def test_a_source_is_made_read_and_changed(company: None, api: Api) -> None:
    made = api.send("PUT", "/inbound/erp", SOURCE)
    assert (made["path"], made["shop"], made["is_active"]) == ("/hooks/erp", "flagship", True)
    assert api.get("/inbound/erp/secret")["secret"].startswith("whsec_")
    assert api.send("PUT", "/inbound/erp", SOURCE | {"is_active": False})["is_active"] is False
    assert [one["code"] for one in api.get("/inbound")["items"]] == ["erp"]
    assert api.refused(422, "PUT", "/inbound/shop", SOURCE | {"kind": "shopify"})["code"] == "webhook.secret"
    api.refused(404, "GET", "/inbound/nobody")


def test_messages_are_listed_and_taken_again(company: None, api: Api) -> None:
    api.send("PUT", "/inbound/erp", SOURCE)
    row = InboundMessage.objects.create(
        source=InboundSource.objects.get(),
        message_id="e1",
        topic="order.created",
        body_sealed=b"",
        state="failed",
        reason="because",
        received_at=NOW,
    )
    [listed] = api.get("/inbound/erp/messages?state=failed")["items"]
    assert (listed["message_id"], listed["reason"]) == ("e1", "because")

    assert api.send("POST", f"/inbound-messages/{row.pk}/replay", None)["state"] == "waiting"
    assert api.send("POST", "/inbound/erp/replay", None) == {"messages": 0}
    api.refused(404, "POST", "/inbound-messages/999999/replay")
