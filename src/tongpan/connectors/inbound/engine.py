"""Which headers a source signs and names its messages with, and which topics are taken. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tongpan.connectors.platforms.shopify.signing import is_from_shopify
from tongpan.connectors.platforms.woocommerce.signing import is_from_woocommerce
from tongpan.connectors.webhooks import signing
from tongpan.core.errors import Refusal

_WOOCOMMERCE_PING = re.compile(rb"webhook_id=\d{1,20}")
_WOOCOMMERCE_ORDERS = ("order.created", "order.updated", "order.restored")
_SHOPIFY_ORDERS = (
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/partially_fulfilled",
    "orders/fulfilled",
    "orders/cancelled",
    "orders/edited",
)


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message. id: what the source tells repeats by. topic: the source's own name of the event."""

    id: str
    topic: str


def is_ping(kind: str, body: bytes) -> bool:
    """Whether it is the unsigned greeting that WooCommerce sends when a webhook is made; it says nothing."""
    return kind == "woocommerce" and _WOOCOMMERCE_PING.fullmatch(body) is not None


def verified(kind: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Message:
    """The message that ``headers`` (by lower-case name) and the raw ``body`` are.

    Raises Refusal webhook.signature, webhook.headers or webhook.timestamp when the secret did not sign these bytes.
    """
    if kind == "standard":
        message_id = signing.verify([secret], headers, body, now)
        return Message(message_id, _type_of(body))
    if kind == "woocommerce":
        given, names = headers.get("x-wc-webhook-signature", ""), ("x-wc-webhook-delivery-id", "x-wc-webhook-topic")
        is_good = is_from_woocommerce(given, body, secret)
    else:
        given, names = headers.get("x-shopify-hmac-sha256", ""), ("x-shopify-webhook-id", "x-shopify-topic")
        is_good = is_from_shopify(given, body, secret)
    if not given or not is_good:
        raise Refusal("webhook.signature", "No signature of the message matches.")
    message_id, topic = (headers.get(name, "") for name in names)
    return Message(message_id or hashlib.sha256(body).hexdigest(), topic)


def _type_of(body: bytes) -> str:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = message.get("type") if isinstance(message, dict) else None
    return found if isinstance(found, str) else ""


def gives(kind: str, topic: str) -> Literal["order", "return", ""]:
    """What a message of ``topic`` holds that is taken; "" when it is nothing for us."""
    if kind == "woocommerce":
        return "order" if topic in _WOOCOMMERCE_ORDERS else ""
    if kind == "shopify":
        return "order" if topic in _SHOPIFY_ORDERS else ""
    noun = topic.partition(".")[0]
    return "order" if noun == "order" else "return" if noun == "return" else ""


def content(body: str) -> dict[str, Any]:
    """The JSON object of a body. Raises ValueError in a sentence."""
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    except ValueError as error:
        raise ValueError(f"The body is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ValueError("The body is no JSON object.")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
