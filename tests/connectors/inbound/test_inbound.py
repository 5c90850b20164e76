"""Webhooks in: verified on the raw bytes, kept once, taken by the job, and replayed after what was wrong is mended."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook as Library
from tests.support.company import NOW
from tests.support.database import row_counts

from tongpan.api.inbound import document_of
from tongpan.connectors.inbound.actions import (
    SourceSpec,
    forget_old_messages,
    process_waiting,
    receive,
    replay_failed,
    replay_message,
    reveal_source_secret,
    save_source,
)
from tongpan.connectors.inbound.models import InboundMessage, InboundSource
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.orders.models import Order, OrderLine, Return

BY: dict[str, Any] = {"actor": "test", "now": NOW}
WOO: dict[str, Any] = {
    "id": 727,
    "status": "processing",
    "currency": "CNY",
    "date_created_gmt": "2026-11-17T10:00:00",
    "date_modified_gmt": "2026-11-17T10:05:00",
    "date_paid_gmt": "2026-11-17T10:05:00",
    "line_items": [
        {"id": 1, "sku": "A", "name": "茶杯", "quantity": 2, "subtotal": "20.00", "total": "18.00", "product_id": 9}
    ],
    "shipping_total": "5.00",
    "total_tax": "0",
    "total": "23.00",
    "customer_id": 5,
    "billing": {"first_name": "三", "last_name": "张", "city": "杭州", "state": "浙江"},
    "shipping": {},
}
SHOPIFY: dict[str, Any] = {
    "id": 820982911946154508,
    "currency": "CNY",
    "created_at": "2026-11-17T10:00:00+08:00",
    "updated_at": "2026-11-17T10:05:00+08:00",
    "processed_at": "2026-11-17T10:04:00+08:00",
    "financial_status": "paid",
    "fulfillment_status": None,
    "total_price": "25.00",
    "total_tax": "0.00",
    "line_items": [
        {
            "id": 1,
            "sku": "A",
            "name": "Cup",
            "quantity": 2,
            "price": "10.00",
            "discount_allocations": [{"amount": "1.00"}],
        }
    ],
    "shipping_lines": [{"price": "6.00"}],
    "customer": {"id": 7, "first_name": "San", "last_name": "Zhang"},
    "shipping_address": {"province": "Zhejiang", "city": "Hangzhou", "name": "Zhang San", "address1": "1 Road"},
}


def order(number: str = "S-1", **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "placed_at": "2026-11-17T10:00:00+08:00",
        "paid_at": "2026-11-17T10:01:00+08:00",
        "updated_at": "2026-11-17T10:01:00+08:00",
        "currency": "CNY",
        "lines": [{"code": "A", "qty": 1, "amount": {"amount": "10.00", "currency": "CNY"}}],
    } | changes


@pytest.fixture
def sources(company: None) -> dict[str, str]:
    """A source of each kind for shop "tm"; their secrets by kind."""
    made = save_source(SourceSpec("std", "standard", "tm"), **BY)
    save_source(SourceSpec("woo", "woocommerce", "tm", "woo-secret"), **BY)
    save_source(SourceSpec("shopify", "shopify", "tm", "shopify-secret"), **BY)
    return {"std": reveal_source_secret(made.pk, **BY), "woo": "woo-secret", "shopify": "shopify-secret"}


def signature(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def push_standard(secret: str, event_id: str, type_: str, data: Any) -> bool:
    body = json.dumps({"type": type_, "timestamp": "2026-11-18T08:00:00Z", "data": data}, ensure_ascii=False).encode()
    now = utc_now()
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Library(secret).sign(event_id, now, body.decode()),
    }
    return receive("std", headers, body, now=now)


def push_woo(content: dict[str, Any], delivery: str = "d1", topic: str = "order.updated") -> bool:
    body = json.dumps(content).encode()
    headers = {
        "x-wc-webhook-signature": signature("woo-secret", body),
        "x-wc-webhook-delivery-id": delivery,
        "x-wc-webhook-topic": topic,
    }
    return receive("woo", headers, body, now=NOW)


def push_shopify(content: dict[str, Any], webhook: str = "w1", topic: str = "orders/updated") -> bool:
    body = json.dumps(content).encode()
    headers = {
        "x-shopify-hmac-sha256": signature("shopify-secret", body),
        "x-shopify-webhook-id": webhook,
        "x-shopify-topic": topic,
    }
    return receive("shopify", headers, body, now=NOW)


def process() -> int:
    return process_waiting(document_of, now=NOW)


def ends() -> list[tuple[str, str]]:
    return list(InboundMessage.objects.order_by("id").values_list("state", "outcome"))


def test_a_message_is_kept_first_and_taken_by_the_job(sources: dict[str, str]) -> None:
    assert push_standard(sources["std"], "e1", "order.created", order())
    assert not Order.objects.exists()
    jobs = fetch_all("SELECT task_name FROM procrastinate_jobs WHERE queue_name = 'inbound'")
    assert jobs == [("api.process_inbound",)]

    assert process() == 1

    found = Order.objects.get()
    assert (found.shop.code, found.external_id, found.status) == ("tm", "S-1", "paid")
    message = InboundMessage.objects.get()
    assert (message.state, message.outcome, message.document_id) == ("done", "accepted", found.pk)
    assert process() == 0


def test_an_order_of_woocommerce(sources: dict[str, str]) -> None:
    push_woo(WOO)
    process()

    found = Order.objects.get()
    assert (found.external_id, found.status, found.total_minor, found.currency) == ("727", "paid", 2300, "CNY")
    lines = OrderLine.objects.order_by("line_no").values_list("kind", "sku__code", "qty", "amount_minor")
    assert list(lines) == [("goods", "A", 2, 1800), ("charge", None, 1, 500)]


def test_an_order_of_shopify_keeps_every_digit_of_its_number(sources: dict[str, str]) -> None:
    push_shopify(SHOPIFY)
    process()

    found = Order.objects.get()
    assert (found.external_id, found.status, found.total_minor) == ("820982911946154508", "paid", 2500)
    lines = OrderLine.objects.order_by("line_no").values_list("kind", "qty", "amount_minor")
    assert list(lines) == [("goods", 2, 1900), ("charge", 1, 600)]


@pytest.mark.parametrize("seed", range(5))
def test_three_times_and_out_of_order_has_one_effect(sources: dict[str, str], seed: int) -> None:
    states = [
        ("d1", WOO | {"status": "pending", "date_paid_gmt": None, "date_modified_gmt": "2026-11-17T10:01:00"}),
        ("d2", WOO),
        ("d3", WOO | {"status": "completed", "date_modified_gmt": "2026-11-17T20:00:00",
                      "date_completed_gmt": "2026-11-17T20:00:00"}),
    ]  # fmt: skip
    pushed = states * 3
    random.Random(seed).shuffle(pushed)
    for position, (delivery, content) in enumerate(pushed):
        push_woo(content, delivery)
        if position % 2:
            process()
    process()

    assert InboundMessage.objects.count() == 3
    assert sum(InboundMessage.objects.values_list("repeats", flat=True)) == 6
    found = Order.objects.get()
    assert (found.status, OrderLine.objects.count()) == ("completed", 2)
    assert {state for state, _ in ends()} == {"done"}


def test_what_the_secret_did_not_sign_is_neither_kept_nor_parsed(sources: dict[str, str]) -> None:
    body = json.dumps(WOO).encode()
    before = row_counts()
    for headers in (
        {},
        {"x-wc-webhook-signature": ""},
        {"x-wc-webhook-signature": signature("another", body)},
        {"x-wc-webhook-signature": signature("woo-secret", body + b" ")},
        {"x-wc-webhook-signature": "ünprintable"},
    ):
        with pytest.raises(Refusal) as refused:
            receive("woo", headers, body, now=NOW)
        assert refused.value.code == "webhook.signature"
    with pytest.raises(Refusal):
        receive("shopify", {"x-shopify-hmac-sha256": signature("woo-secret", body)}, body, now=NOW)
    with pytest.raises(Refusal):
        receive("std", {"webhook-id": "e", "webhook-timestamp": "1", "webhook-signature": "v1,x"}, body, now=NOW)

    assert row_counts() == before
    assert InboundSource.objects.get(code="woo").last_refused_at == NOW


def test_the_body_is_sealed_because_it_holds_names_and_addresses(sources: dict[str, str]) -> None:
    push_woo(WOO)

    assert "张".encode() not in bytes(InboundMessage.objects.get().body_sealed)
    assert b"line_items" not in bytes(InboundMessage.objects.get().body_sealed)


def test_a_message_that_cannot_be_taken_keeps_its_reason_and_spoils_no_other(sources: dict[str, str]) -> None:
    push_standard(sources["std"], "e1", "order.created", order(currency="yuan"))
    push_standard(sources["std"], "e2", "order.created", [1])
    push_standard(sources["std"], "e3", "order.created", order(shop="mall"))
    push_standard(sources["std"], "e4", "order.created", order("S-4"))
    push_standard(sources["std"], "e5", "order.created", order("S-5", lines=[]))
    push_woo({"id": 1}, "d1")
    push_woo(WOO | {"total": "abc"}, "d2")
    push_shopify({"line_items": 7}, "w1")
    process()

    reasons = {m.message_id: m.reason for m in InboundMessage.objects.filter(state="failed")}
    assert set(reasons) == {"e1", "e2", "e3", "e5", "d1", "d2", "w1"}
    assert all(reasons.values())
    assert "currency" in reasons["e1"]
    assert "'mall'" in reasons["e3"]
    assert "status" in reasons["d1"]
    assert list(Order.objects.values_list("external_id", flat=True)) == ["S-4"]


def test_what_was_refused_is_taken_after_what_was_wrong_is_mended(sources: dict[str, str]) -> None:
    push_woo(WOO | {"currency": "USD"})
    process()
    message = InboundMessage.objects.get()
    assert (message.state, message.outcome) == ("failed", "refused")
    assert "USD" in message.reason

    from tongpan.channels.models import Channel

    Channel.objects.filter(code="tmall").update(currency="USD")
    assert replay_failed(message.source_id) == 1
    process()

    assert ends() == [("done", "accepted")]
    replay_message(message.pk)
    process()
    assert ends() == [("done", "unchanged")]
    assert Order.objects.count() == 1
    with pytest.raises(Refusal):
        replay_message(10**9)


def test_topics_that_are_nothing_for_us_are_kept_and_not_taken(sources: dict[str, str]) -> None:
    push_woo({"id": 5}, topic="product.updated")
    push_shopify({"id": 5}, topic="customers/create")
    push_standard(sources["std"], "e1", "invoice.paid", {"id": 1})
    process()

    assert ends() == [("ignored", "")] * 3
    assert not Order.objects.exists()


def test_a_return_of_standard_webhooks(sources: dict[str, str]) -> None:
    push_standard(
        sources["std"],
        "e1",
        "return.received",
        {
            "number": "R-1",
            "returned_at": "2026-11-17T10:00:00+08:00",
            "currency": "CNY",
            "lines": [{"code": "A", "qty": 1, "amount": {"amount": "-10.00", "currency": "CNY"}}],
        },
    )
    process()

    assert Return.objects.get().external_id == "R-1"


def test_the_greeting_of_woocommerce_is_answered_and_not_kept(sources: dict[str, str]) -> None:
    assert not receive("woo", {}, b"webhook_id=12", now=NOW)
    assert not InboundMessage.objects.exists()
    with pytest.raises(Refusal):
        receive("shopify", {}, b"webhook_id=12", now=NOW)


def test_the_door(sources: dict[str, str], client: Client) -> None:
    body = json.dumps(WOO).encode()
    headers = {"X-WC-Webhook-Signature": signature("woo-secret", body), "X-WC-Webhook-Topic": "order.created"}

    def push(code: str, **changes: str) -> int:
        answer = client.post(f"/hooks/{code}", body, content_type="application/json", headers=headers | changes)
        return answer.status_code

    assert [push("woo"), push("woo"), push("nobody")] == [202, 200, 404]
    assert push("woo", **{"X-WC-Webhook-Signature": "x"}) == 401
    assert client.get("/hooks/woo").status_code == 405
    save_source(SourceSpec("woo", "woocommerce", "tm", is_active=False), **BY)
    assert push("woo") == 404
    assert InboundMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (SourceSpec("Ü", "standard", "tm"), "inbound.code"),
        (SourceSpec("x", "fax", "tm"), "inbound.kind"),
        (SourceSpec("x", "standard", "nowhere"), "inbound.shop"),
        (SourceSpec("x", "woocommerce", "tm"), "webhook.secret"),
        (SourceSpec("x", "standard", "tm", "short"), "webhook.secret"),
        (SourceSpec("std", "shopify", "tm", "s"), "inbound.kind"),
    ],
)
def test_a_source_that_cannot_be_is_refused(sources: dict[str, str], spec: SourceSpec, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        save_source(spec, **BY)

    assert refused.value.code == code
    assert InboundSource.objects.count() == 3


def test_what_ended_long_ago_is_forgotten(sources: dict[str, str]) -> None:
    push_woo(WOO)
    assert forget_old_messages(NOW + timedelta(days=91)) == 0
    process()

    assert forget_old_messages(NOW) == 0
    assert forget_old_messages(NOW + timedelta(days=91)) == 1
