"""How a call to Douyin's shops is signed: five parameters in a fixed order, and the body in one canonical spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tongpan.connectors.platforms.digests import hmac_hex

SIGNED = ("app_key", "method", "param_json", "timestamp", "v")
"""In this order. ``access_token`` and ``sign_method`` are sent and not signed."""


def canonical(parameters: Any) -> str:
    """``parameters`` as the JSON text that is both signed and sent.

    Keys are sorted at every depth, also in objects within lists; there are no blanks; Chinese and ``& < >`` are
    written as they are; a whole float is written without its fraction.
    """
    return json.dumps(_whole(parameters), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """The lower-case HMAC-SHA256 over the five signed parameters, wrapped in the secret and keyed by it."""
    text = "".join(name + parameters[name] for name in SIGNED)
    return hmac_hex(secret, secret + text + secret, "sha256")


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
