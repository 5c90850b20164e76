"""Reads of subscriptions and their deliveries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from tongpan.connectors.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from tongpan.core.bulk import fetch_all


def webhooks() -> QuerySet[Webhook]:
    """All subscriptions, by name."""
    return Webhook.objects.order_by("name")


def get_webhook(webhook_id: int) -> Webhook | None:
    return Webhook.objects.filter(pk=webhook_id).first()


@dataclass(frozen=True, slots=True)
class Standing:
    """How many deliveries of a subscription are in each state."""

    waiting: int = 0
    delivered: int = 0
    failed: int = 0


def standings() -> dict[int, Standing]:
    """The standing of every subscription that has deliveries, by its id."""
    found: dict[int, dict[str, int]] = {}
    for webhook_id, state, number in fetch_all(
        "SELECT webhook_id, state, count(*) FROM connectors_webhookdelivery GROUP BY 1, 2"
    ):
        found.setdefault(webhook_id, {})[state] = number
    return {webhook_id: Standing(**counts) for webhook_id, counts in found.items()}


def deliveries(webhook_id: int, *, state: str = "", event: str = "", text: str = "") -> QuerySet[WebhookDelivery]:
    """The deliveries of a subscription, unordered. text: a message id or an event id."""
    rows = WebhookDelivery.objects.filter(webhook_id=webhook_id)
    if state:
        rows = rows.filter(state=state)
    if event:
        rows = rows.filter(event_name=event)
    if text:
        rows = rows.filter(message_id=text) | rows.filter(event_id=text)
    return rows


def get_delivery(delivery_id: int) -> WebhookDelivery | None:
    return WebhookDelivery.objects.select_related("webhook").filter(pk=delivery_id).first()


def attempts_of(delivery_id: int) -> list[WebhookAttempt]:
    """Every try of one delivery, the newest first."""
    return list(WebhookAttempt.objects.filter(delivery_id=delivery_id).order_by("-id"))
