"""Reads of sources and of what they pushed."""

from __future__ import annotations

from django.db.models import QuerySet

from tongpan.connectors.inbound.models import InboundMessage, InboundSource
from tongpan.core.bulk import fetch_all


def sources() -> QuerySet[InboundSource]:
    """All sources with their shop, by code."""
    return InboundSource.objects.select_related("shop").order_by("code")


def get_source(code: str) -> InboundSource | None:
    return sources().filter(code=code).first()


def message_counts() -> dict[int, dict[str, int]]:
    """How many messages of each source are in each state, by the source's id."""
    found: dict[int, dict[str, int]] = {}
    for source_id, state, number in fetch_all(
        "SELECT source_id, state, count(*) FROM connectors_inboundmessage GROUP BY 1, 2"
    ):
        found.setdefault(source_id, {})[state] = number
    return found


def messages_of(source_id: int, *, state: str = "", text: str = "") -> QuerySet[InboundMessage]:
    """The messages of a source, unordered; text: a message id."""
    rows = InboundMessage.objects.filter(source_id=source_id)
    if state:
        rows = rows.filter(state=state)
    return rows.filter(message_id=text) if text else rows


def get_message(message_id: int) -> InboundMessage | None:
    return InboundMessage.objects.select_related("source__shop").filter(pk=message_id).first()
