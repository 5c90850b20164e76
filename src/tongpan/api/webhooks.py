"""Webhooks: who is told what happens here, what was sent, and sending it again."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Flag, Id, In, Instant, Name80, Out
from tongpan.connectors.webhooks.actions import (
    WebhookSpec,
    change_webhook,
    create_webhook,
    delete_webhook,
    reveal_secret,
    rotate_secret,
)
from tongpan.connectors.webhooks.delivering import replay_delivery, replay_range, send_test
from tongpan.connectors.webhooks.engine import OFFERED
from tongpan.connectors.webhooks.models import DeliveryState, Webhook, WebhookDelivery
from tongpan.connectors.webhooks.queries import attempts_of, deliveries, get_delivery, get_webhook, webhooks
from tongpan.core.clock import utc_now

router = Router(tags=["webhooks"])

Url = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$")]
EventName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=60, pattern=r"^[a-z._]+$")]


class WebhookIn(In):
    name: Name80
    url: Url = Field(description="https; its host must have public addresses only")
    events: list[EventName] = Field(min_length=1, max_length=50, description="Names of /webhook-events")
    payload: Literal["thin", "full"] = Field("thin", description="The id of the thing, or the thing as it stands")
    is_active: Flag = True


class WebhookOut(Out):
    id: int
    name: str
    url: str
    events: list[str]
    payload: Literal["thin", "full"]
    is_active: bool
    disabled_reason: str = Field(description="Why it was switched off by itself; empty otherwise")
    paused_until: Instant | None = Field(description="The receiver asked to be left alone until then")
    failing_since: Instant | None = Field(description="The first failure after the last delivery")
    previous_secret_until: Instant | None = Field(description="Until when the secret of before signs too")
    created_at: Instant


class EventTypeOut(Out):
    name: str
    about: str


class EventsOut(Out):
    events: list[EventTypeOut]


class SecretOut(Out):
    secret: str = Field(description="whsec_ and base64, for the receiver")


class DeliveryOut(Out):
    id: int
    message_id: str = Field(description="webhook-id of every attempt")
    event_id: str = Field(description="The same for every subscriber")
    event: str
    event_at: Instant
    state: DeliveryState
    attempts: int
    last_status: int | None
    next_at: Instant | None = Field(description="When it is tried next; null when it is not")
    delivered_at: Instant | None


class AttemptOut(Out):
    number: int
    at: Instant
    duration_ms: int
    status: int | None
    error: str
    response: str


class DeliveryWholeOut(DeliveryOut):
    body: str = Field(description="The message as it is sent, byte by byte")
    tries: list[AttemptOut]


class DeliveryQuery(PageQuery):
    state: DeliveryState | Literal[""] = ""


class RangeIn(In):
    begin: Instant = Field(alias="from")
    end: Instant = Field(alias="to", description="Not included")


class ReplayedOut(Out):
    messages: int


class DeletedOut(Out):
    deleted: bool


def _webhook(row: Webhook) -> WebhookOut:
    return WebhookOut(
        id=row.pk,
        name=row.name,
        url=row.url,
        events=row.events,
        payload="full" if row.is_full else "thin",
        is_active=row.is_active,
        disabled_reason=row.disabled_reason,
        paused_until=row.paused_until,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_until,
        created_at=row.created_at,
    )


def _head(row: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut(
        id=row.pk,
        message_id=row.message_id,
        event_id=row.event_id,
        event=row.event_name,
        event_at=row.event_at,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        last_status=row.last_status,
        next_at=row.next_at if row.state == DeliveryState.WAITING else None,
        delivered_at=row.delivered_at,
    )


def _found(webhook_id: int) -> Webhook:
    row = get_webhook(webhook_id)
    if row is None:
        raise not_found("webhook", webhook_id)
    return row


def _spec(body: WebhookIn) -> WebhookSpec:
    return WebhookSpec(body.name, body.url, body.events, body.payload == "full", body.is_active)


@read(router, "/webhook-events", "integration.view", EventsOut)
def list_events(request: HttpRequest) -> EventsOut:
    """The events that can be subscribed to."""
    return EventsOut(events=[EventTypeOut(name=offer.name, about=str(offer.about)) for offer in OFFERED])


@read(router, "/webhooks", "integration.view", Page[WebhookOut])
def list_webhooks(request: HttpRequest, query: Query[PageQuery]) -> Page[WebhookOut]:
    """All subscriptions, by name."""
    return page_of(webhooks(), ["name"], query, _webhook)


@write(router, "POST", "/webhooks", "integration.edit", WebhookOut)
def post_webhook(request: HttpRequest, body: WebhookIn) -> WebhookOut:
    """Subscribe. Messages tell what happens from now on; the secret is read from its own address."""
    return _webhook(create_webhook(_spec(body), actor=actor_of(request), now=utc_now()))


@read(router, "/webhooks/{webhook_id}", "integration.view", WebhookOut)
def show_webhook(request: HttpRequest, webhook_id: Path[Id]) -> WebhookOut:
    """One subscription."""
    return _webhook(_found(webhook_id))


@write(router, "PUT", "/webhooks/{webhook_id}", "integration.edit", WebhookOut)
def put_webhook(request: HttpRequest, webhook_id: Path[Id], body: WebhookIn) -> WebhookOut:
    """Change a subscription, or switch it off and on."""
    _found(webhook_id)
    return _webhook(change_webhook(webhook_id, _spec(body), actor=actor_of(request), now=utc_now()))


@write(router, "DELETE", "/webhooks/{webhook_id}", "integration.edit", DeletedOut)
def remove_webhook(request: HttpRequest, webhook_id: Path[Id]) -> DeletedOut:
    """End a subscription; its deliveries go with it."""
    _found(webhook_id)
    delete_webhook(webhook_id, actor=actor_of(request), now=utc_now())
    return DeletedOut(deleted=True)


@read(router, "/webhooks/{webhook_id}/secret", "integration.edit", SecretOut)
def get_secret(request: HttpRequest, webhook_id: Path[Id]) -> SecretOut:
    """The secret that the receiver verifies with. The look is noted in the audit trail."""
    _found(webhook_id)
    return SecretOut(secret=reveal_secret(webhook_id, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/webhooks/{webhook_id}/rotate", "integration.edit", WebhookOut)
def rotate(request: HttpRequest, webhook_id: Path[Id]) -> WebhookOut:
    """Make a new secret; for 24 hours messages carry a signature of the old one too."""
    _found(webhook_id)
    return _webhook(rotate_secret(webhook_id, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/webhooks/{webhook_id}/test", "integration.edit", DeliveryOut)
def post_test(request: HttpRequest, webhook_id: Path[Id]) -> DeliveryOut:
    """Send a test message; its delivery tells what the receiver answered."""
    _found(webhook_id)
    delivery = get_delivery(send_test(webhook_id, actor=actor_of(request), now=utc_now()))
    assert delivery is not None  # noqa: S101 - written a moment ago in this transaction
    return _head(delivery)


@write(router, "POST", "/webhooks/{webhook_id}/replay", "integration.edit", ReplayedOut)
def post_replay(request: HttpRequest, webhook_id: Path[Id], body: RangeIn) -> ReplayedOut:
    """Send again what happened in a range of time, under the same message ids."""
    _found(webhook_id)
    return ReplayedOut(messages=replay_range(webhook_id, body.begin, body.end, now=utc_now()))


@read(router, "/webhooks/{webhook_id}/deliveries", "integration.view", Page[DeliveryOut])
def list_deliveries(request: HttpRequest, webhook_id: Path[Id], query: Query[DeliveryQuery]) -> Page[DeliveryOut]:
    """What was and is to be sent to a subscriber, the newest first. Kept for 30 days."""
    _found(webhook_id)
    return page_of(deliveries(webhook_id, state=query.state), ["-id"], query, _head)


@read(router, "/webhook-deliveries/{delivery_id}", "integration.view", DeliveryWholeOut)
def show_delivery(request: HttpRequest, delivery_id: Path[Id]) -> DeliveryWholeOut:
    """One message with every attempt to deliver it."""
    row = get_delivery(delivery_id)
    if row is None:
        raise not_found("delivery", delivery_id)
    tries = [
        AttemptOut(
            number=t.number, at=t.at, duration_ms=t.duration_ms, status=t.status, error=t.error, response=t.response
        )
        for t in attempts_of(delivery_id)
    ]
    return DeliveryWholeOut(**_head(row).model_dump(), body=row.body, tries=tries)


@write(router, "POST", "/webhook-deliveries/{delivery_id}/replay", "integration.edit", DeliveryOut)
def replay_one(request: HttpRequest, delivery_id: Path[Id]) -> DeliveryOut:
    """Send one message again, under the same id."""
    if get_delivery(delivery_id) is None:
        raise not_found("delivery", delivery_id)
    replay_delivery(delivery_id, now=utc_now())
    row = get_delivery(delivery_id)
    assert row is not None  # noqa: S101 - it was there a moment ago
    return _head(row)
