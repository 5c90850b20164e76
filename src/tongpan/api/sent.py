"""The messages that subscribers of webhooks get, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.utils import translation

from tongpan.connectors.webhooks.engine import OFFERED

_TEXT = {"type": "string"}
MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "timestamp", "event_id", "data"],
    "properties": {
        "type": {**_TEXT, "description": "The name of the event"},
        "timestamp": {**_TEXT, "format": "date-time", "description": "When it happened"},
        "event_id": {**_TEXT, "description": "The same for every subscriber and at every repeat"},
        "data": {
            "type": "object",
            "description": "The id of the thing, or with full messages the thing as it stands now; never personal data",
        },
    },
}
_HEADERS = {
    "webhook-id": "The same at every repeat: keep it, and take each message once",
    "webhook-timestamp": "Seconds since 1970, when this attempt was signed",
    "webhook-signature": "One or several signatures of Standard Webhooks 1.0.0, with blanks between",
}


def webhooks_section() -> dict[str, Any]:
    """The section "webhooks" of OpenAPI 3.1: every event that can be subscribed to."""
    with translation.override("en"):
        return {offer.name: {"post": _operation(offer.name, str(offer.about))} for offer in OFFERED}


def _operation(name: str, about: str) -> dict[str, Any]:
    message = {"allOf": [{"$ref": "#/components/schemas/WebhookMessage"}, {"properties": {"type": {"const": name}}}]}
    return {
        "operationId": f"webhook_{name.replace('.', '_')}",
        "summary": about,
        "tags": ["webhooks"],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": text, "schema": _TEXT}
            for header, text in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": message}}},
        "responses": {
            "2XX": {"description": "It is kept"},
            "410": {"description": "The receiver wants no more: the subscription ends"},
        },
    }
