"""Which headers a source signs and names its messages with, and which topics are taken. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tongpan.connectors.platforms.shopify.signing import is_from_shopify
from tongpan.connectors.platforms.wechat.push import is_from_wechat
from tongpan.connectors.platforms.woocommerce.signing import is_from_woocommerce
from tongpan.connectors.platforms.youzan.signing import is_from_youzan
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
WAKING = ("youzan", "wechat")
"""Kinds whose messages are not taken for orders: that one came is the sign to pull the shop's changed orders."""
_WECHAT_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message. id: what the source tells repeats by. topic: the source's own name of the event."""

    id: str
    topic: str


def is_ping(kind: str, body: bytes) -> bool:
    """Whether it is the unsigned greeting that WooCommerce sends when a webhook is made; it says nothing."""
    return kind == "woocommerce" and _WOOCOMMERCE_PING.fullmatch(body) is not None


def verified(
    kind: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime, *, query: Mapping[str, str]
) -> Message:
    """The message that ``headers`` (by lower-case name), the raw ``body`` and the ``query`` of its address are.

    Raises Refusal webhook.signature, webhook.headers or webhook.timestamp when the secret did not sign these bytes.
    """
    if kind == "youzan":
        client_id, _, client_secret = secret.partition(":")
        if not is_from_youzan(headers.get("event-sign", ""), client_id, body, client_secret):
            raise Refusal("webhook.signature", "No signature of the message matches.")
        return Message(hashlib.sha256(body).hexdigest(), _type_of(body))
    if kind == "wechat":
        return _from_wechat(secret, body, now, query)
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


def _from_wechat(token: str, body: bytes, now: datetime, query: Mapping[str, str]) -> Message:
    """A sealed message: its signature covers what is in it. That of a plain one does not, so that it proves nothing."""
    sealed = _field(body, "Encrypt")
    if not sealed:
        raise Refusal(
            "webhook.signature", "The message is not sealed: set the push of the WeChat shop to safe mode, JSON."
        )
    if not _is_signed(query, "msg_signature", token, sealed):
        raise Refusal("webhook.signature", "No signature of the message matches.")
    sent = query.get("timestamp", "")
    if not sent.isdecimal() or len(sent) > 12 or abs(int(sent) - now.timestamp()) > _WECHAT_TOLERANCE.total_seconds():
        raise Refusal("webhook.timestamp", "The message was signed too long ago, or a clock is wrong.")
    return Message(hashlib.sha256(sealed.encode()).hexdigest(), "")


def _is_signed(query: Mapping[str, str], name: str, *parts: str) -> bool:
    return is_from_wechat(query.get(name, ""), query.get("timestamp", ""), query.get("nonce", ""), *parts)


def greeting(kind: str, token: str, query: Mapping[str, str]) -> str:
    """What to answer when WeChat asks whether an address is ours. Raises Refusal webhook.signature."""
    if kind != "wechat" or not _is_signed(query, "signature", token):
        raise Refusal("webhook.signature", "No signature of the request matches.")
    return query.get("echostr", "")[:200]


def welcome(kind: str) -> str:
    """The text that the source takes for "it is kept"; "" where the status is enough."""
    return {"wechat": "success", "youzan": '{"code":0,"msg":"success"}'}.get(kind, "")


def _type_of(body: bytes) -> str:
    return _field(body, "type")


def _field(body: bytes, name: str) -> str:
    """The text called ``name`` of a body that is a JSON object; "" when there is none."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = message.get(name) if isinstance(message, dict) else None
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
