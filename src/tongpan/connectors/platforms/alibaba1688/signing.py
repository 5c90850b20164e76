"""How a call to 1688's open platform is signed: its path and its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.digests import hmac_hex, joined


def sign(path: str, parameters: Mapping[str, str], secret: str) -> str:
    """The upper-case HMAC-SHA1 over ``path`` (``param2/1/system/currentTime/1000000``) and the joined parameters."""
    return hmac_hex(secret, path + joined(parameters), "sha1").upper()
