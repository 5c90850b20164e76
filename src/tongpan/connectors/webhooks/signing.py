"""Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 over ``id.timestamp.body``. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tongpan.core.errors import Refusal

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
LEAST_BYTES, MOST_BYTES = 24, 64
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def new_secret() -> str:
    """A secret of 256 random bits, as a receiver is given it."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key in ``secret`` (``whsec_`` and base64, or base64 alone). Raises Refusal webhook.secret."""
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("webhook.secret", "The secret is not base64; it looks like whsec_MfKQ9r8GKYqr….") from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise Refusal("webhook.secret", f"The secret has {len(key)} bytes; it needs {LEAST_BYTES} to {MOST_BYTES}.")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature ``v1,…`` of a message. timestamp: seconds since 1970. Raises Refusal webhook.secret."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()


def signed_headers(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message sent at ``at``, with one signature for each of ``secrets``."""
    timestamp = int(at.timestamp())
    return {
        ID: message_id,
        TIMESTAMP: str(timestamp),
        SIGNATURE: " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
    }


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that one of ``secrets`` signed not longer than five minutes from ``now``.

    headers: by lower-case name. Compares in constant time. Raises Refusal webhook.headers, webhook.timestamp or
    webhook.signature.
    """
    message_id, timestamp, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message_id and timestamp and given):
        raise Refusal("webhook.headers", f"The headers {ID}, {TIMESTAMP} and {SIGNATURE} are needed.")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 11):
        raise Refusal("webhook.timestamp", f"{TIMESTAMP} must be seconds since 1970.")
    seconds = int(timestamp)
    if abs(datetime.fromtimestamp(seconds, UTC) - now) > TOLERANCE:
        raise Refusal("webhook.timestamp", f"{TIMESTAMP} is more than five minutes away from our time.")
    wanted = [sign(secret, message_id, seconds, body).encode() for secret in secrets]
    signatures = [part.encode() for part in given.split(" ")[:20]]
    # Every pair is compared, so that the time taken tells nothing of which one matched.
    matches = [hmac.compare_digest(one, other) for one in wanted for other in signatures]
    if not any(matches):
        raise Refusal("webhook.signature", "No signature of the message matches.")
    return message_id
