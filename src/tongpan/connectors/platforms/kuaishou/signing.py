"""How a call to Kuaishou's shops is signed."""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.digests import hmac_hex


def signed_text(parameters: Mapping[str, str], sign_secret: str) -> str:
    """The text that is signed: ``a=1&b=2&signSecret=...``."""
    pairs = [f"{name}={parameters[name]}" for name in sorted(parameters, key=str.encode)]
    return "&".join([*pairs, f"signSecret={sign_secret}"])


def sign(parameters: Mapping[str, str], sign_secret: str) -> str:
    """The lower-case HMAC-SHA256 of the sorted pairs and the secret, keyed by the secret."""
    return hmac_hex(sign_secret, signed_text(parameters, sign_secret), "sha256")
