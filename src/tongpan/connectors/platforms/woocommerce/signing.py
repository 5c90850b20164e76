"""How WooCommerce signs what it pushes: header ``X-WC-Webhook-Signature`` over the raw body."""

from __future__ import annotations

from tongpan.connectors.platforms.digests import hmac_sha256_base64, is_same


def push_sign(body: bytes, secret: str) -> str:
    """Base64 of the HMAC-SHA256 of the raw body under the webhook's secret."""
    return hmac_sha256_base64(secret, body)


def is_from_woocommerce(given: str, body: bytes, secret: str) -> bool:
    """True when the header is the one that WooCommerce makes of the raw body."""
    return is_same(push_sign(body, secret), given)
