"""How a call to Pinduoduo is signed: every parameter that is sent, except ``sign`` itself."""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.digests import joined, md5_hex


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The upper-case MD5 of the joined parameters, wrapped in the secret."""
    return md5_hex(secret + joined(parameters) + secret).upper()
