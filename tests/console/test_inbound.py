"""The pages of webhooks in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from tongpan.api.inbound import document_of
from tongpan.connectors.inbound.actions import process_waiting
from tongpan.connectors.inbound.models import InboundMessage, InboundSource
from tongpan.core.clock import utc_now

FORM = {"code": "woo", "kind": "woocommerce", "shop": "tm", "secret": "the-secret", "is_active": "on"}


def test_a_source_is_made_and_shows_what_it_pushed(sign_in, company, client) -> None:
    office = sign_in("manager")
    assert "No source yet" in office.get("/inbound/").content.decode()
    office.post("/inbound/new/", FORM)
    body = json.dumps({"id": 1}).encode()
    signature = base64.b64encode(hmac.new(b"the-secret", body, hashlib.sha256).digest()).decode()
    headers = {"X-WC-Webhook-Signature": signature, "X-WC-Webhook-Topic": "order.created"}
    assert office.post("/hooks/woo", body, content_type="application/json", headers=headers).status_code == 202
    process_waiting(document_of, now=utc_now())

    page = office.get("/inbound/woo/").content.decode()
    assert "/hooks/woo" in page
    assert "The field &#x27;status&#x27; is missing." in page
    assert "the-secret" not in page
    assert "the-secret" in office.post("/inbound/woo/secret/").content.decode()
    message = InboundMessage.objects.get()
    office.post(f"/inbound/woo/messages/{message.pk}/replay/")
    assert InboundMessage.objects.get().state == "waiting"
    process_waiting(document_of, now=utc_now())
    assert "1 message is taken again" in office.post("/inbound/woo/replay/", follow=True).content.decode()


def test_editing_keeps_the_secret_when_none_is_given(sign_in, company) -> None:
    office = sign_in("manager")
    office.post("/inbound/new/", FORM)
    before = bytes(InboundSource.objects.get().secret_sealed)

    office.post("/inbound/woo/edit/", {"shop": "br", "secret": ""})

    row = InboundSource.objects.get()
    assert (row.shop.code, row.is_active, bytes(row.secret_sealed)) == ("br", False, before)
