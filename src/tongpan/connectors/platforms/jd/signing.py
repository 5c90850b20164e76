"""How a call to JD's routerjson is signed: six of its parameters, and no others."""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.digests import joined, md5_hex

SIGNED = ("360buy_param_json", "access_token", "app_key", "method", "timestamp", "v")
"""``format`` and ``sign_method`` are sent and not signed."""


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The upper-case MD5 over those of ``parameters`` that JD signs, wrapped in the secret."""
    return wrapped_md5({name: parameters[name] for name in SIGNED if name in parameters}, secret)


def wrapped_md5(parameters: Mapping[str, str], secret: str) -> str:
    """The rule itself, over exactly the parameters given."""
    return md5_hex(secret + joined(parameters) + secret).upper()
