"""Writes of subscriptions."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from tongpan.access.actions import audit
from tongpan.access.vault import open_sealed, seal
from tongpan.connectors.webhooks.engine import NAMES, unknown_events
from tongpan.connectors.webhooks.models import Webhook
from tongpan.connectors.webhooks.posting import check_url
from tongpan.connectors.webhooks.signing import new_secret
from tongpan.core.bulk import execute
from tongpan.core.errors import Refusal

OVERLAP = timedelta(hours=24)
"""So long after a rotation messages carry the signature of the old secret too."""


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """What a subscription is to be. events: names of ``engine.NAMES``. is_full: the whole thing, not its id only."""

    name: str
    url: str
    events: Sequence[str]
    is_full: bool = False
    is_active: bool = True


def create_webhook(spec: WebhookSpec, *, actor: str, now: datetime) -> Webhook:
    """A new subscription with a secret of its own; it gets what happens from now on.

    Raises Refusal webhook.name, webhook.url, webhook.address, webhook.events or webhook.name_taken.
    """
    checked = _checked(spec)
    try:
        with transaction.atomic():
            row = Webhook.objects.create(
                name=checked.name,
                url=checked.url,
                events=list(checked.events),
                is_full=checked.is_full,
                is_active=checked.is_active,
                token=randomness.token_hex(12),
                secret_sealed=seal(new_secret()),
                created_at=now,
                created_by=actor,
            )
            audit(actor, "webhook.created", "webhook", str(row.pk), _noted(checked), now=now)
    except IntegrityError:
        raise _name_taken(checked.name) from None
    return row


def change_webhook(webhook_id: int, spec: WebhookSpec, *, actor: str, now: datetime) -> Webhook:
    """Change a subscription. Switched on again, what waits for it is sent; a reason of being off is forgotten.

    Raises Refusal as ``create_webhook``, and webhook.unknown.
    """
    checked = _checked(spec)
    try:
        with transaction.atomic():
            row = _locked(webhook_id)
            row.name, row.url, row.events = checked.name, checked.url, list(checked.events)
            row.is_full, row.is_active = checked.is_full, checked.is_active
            if checked.is_active:
                row.disabled_reason, row.paused_until = "", None
            row.save()
            audit(actor, "webhook.changed", "webhook", str(row.pk), _noted(checked), now=now)
    except IntegrityError:
        raise _name_taken(checked.name) from None
    return row


def rotate_secret(webhook_id: int, *, actor: str, now: datetime) -> Webhook:
    """Give a subscription a new secret; for a day messages carry a signature of the old one beside it.

    Raises Refusal webhook.unknown.
    """
    with transaction.atomic():
        row = _locked(webhook_id)
        row.previous_sealed, row.previous_until = row.secret_sealed, now + OVERLAP
        row.secret_sealed = seal(new_secret())
        row.save(update_fields=["previous_sealed", "previous_until", "secret_sealed"])
        audit(actor, "webhook.rotated", "webhook", str(row.pk), now=now)
    return row


def reveal_secret(webhook_id: int, *, actor: str, now: datetime) -> str:
    """The secret of a subscription, for its receiver; the look is noted. Raises Refusal webhook.unknown or vault.*."""
    with transaction.atomic():
        row = _locked(webhook_id)
        audit(actor, "webhook.secret_shown", "webhook", str(row.pk), now=now)
        return open_sealed(row.secret_sealed)


def delete_webhook(webhook_id: int, *, actor: str, now: datetime) -> None:
    """Remove a subscription with its deliveries; what waited is not sent. Raises Refusal webhook.unknown."""
    with transaction.atomic():
        row = _locked(webhook_id)
        execute(
            """DELETE FROM connectors_webhookattempt WHERE delivery_id IN
               (SELECT id FROM connectors_webhookdelivery WHERE webhook_id = %s)""",
            [webhook_id],
        )
        execute("DELETE FROM connectors_webhookdelivery WHERE webhook_id = %s", [webhook_id])
        audit(actor, "webhook.deleted", "webhook", str(row.pk), {"name": row.name, "url": row.url}, now=now)
        execute("DELETE FROM connectors_webhook WHERE id = %s", [webhook_id])


def secrets_of(row: Webhook, now: datetime) -> list[str]:
    """The secrets that sign for ``row`` at ``now``, the present one first. Raises Refusal vault.*."""
    sealed = [row.secret_sealed]
    if row.previous_until is not None and row.previous_until > now:
        sealed.append(row.previous_sealed)
    return [open_sealed(one) for one in sealed]


def _locked(webhook_id: int) -> Webhook:
    row = Webhook.objects.select_for_update().filter(pk=webhook_id).first()
    if row is None:
        raise Refusal("webhook.unknown", f"There is no webhook {webhook_id}.")
    return row


def _checked(spec: WebhookSpec) -> WebhookSpec:
    name = spec.name.strip()
    if not name or len(name) > 80 or "\x00" in name:
        raise Refusal("webhook.name", "The name of a webhook has 1 to 80 characters.")
    check_url(spec.url)
    if unknown := unknown_events(spec.events):
        raise Refusal(
            "webhook.events", f"There is no event {', '.join(unknown)}. Offered are {', '.join(sorted(NAMES))}."
        )
    if not spec.events:
        raise Refusal("webhook.events", "Choose at least one event.")
    return WebhookSpec(name, spec.url, sorted(set(spec.events)), spec.is_full, spec.is_active)


def _noted(spec: WebhookSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "url": spec.url,
        "events": list(spec.events),
        "full": spec.is_full,
        "active": spec.is_active,
    }


def _name_taken(name: str) -> Refusal:
    return Refusal("webhook.name_taken", f"There is a webhook called {name!r} already. Choose another name.")
