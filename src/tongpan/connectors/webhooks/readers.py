"""Turns what happened into deliveries. Sending is the worker's: a reader must never wait for somebody else's server."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.connectors.webhooks.delivering import enqueue, occurrence
from tongpan.connectors.webhooks.engine import NAMES
from tongpan.connectors.webhooks.models import Webhook
from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader


def _enqueue(batch: Sequence[Event]) -> None:
    now = utc_now()
    for webhook in Webhook.objects.filter(is_active=True).order_by("id"):
        # A subscription begins when it was made; for what was before there is the replay.
        enqueue([webhook], [occurrence(e) for e in batch if e.recorded_at >= webhook.created_at], now=now)


WEBHOOKS = Reader("webhooks", NAMES, _enqueue, batch=1000)
