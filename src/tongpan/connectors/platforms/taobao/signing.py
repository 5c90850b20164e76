"""How a call to Taobao's TOP is signed: every parameter that is sent, except ``sign`` itself."""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.digests import hmac_hex, joined, md5_hex

METHODS = ("md5", "hmac", "hmac-sha256")


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The upper-case signature of all ``parameters`` by the ``sign_method`` among them (md5 without one).

    Raises ValueError for another method.
    """
    return digest_of(joined(parameters), secret, parameters.get("sign_method", "md5"))


def digest_of(text: str, secret: str, method: str) -> str:
    """The upper-case digest of the joined parameters.

    md5 wraps them in the secret; the two HMACs are keyed by it and wrap nothing. Raises ValueError.
    """
    if method == "md5":
        return md5_hex(secret + text + secret).upper()
    if method == "hmac":
        return hmac_hex(secret, text, "md5").upper()
    if method == "hmac-sha256":
        return hmac_hex(secret, text, "sha256").upper()
    raise ValueError(f"TOP signs by {', '.join(METHODS)}, not by {method!r}.")
