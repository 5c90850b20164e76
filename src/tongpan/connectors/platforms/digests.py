"""What several signatures have in common: the joined parameters and the digests, in the case they are written in."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def joined(parameters: Mapping[str, str]) -> str:
    """Names and values one after the other without separators, in byte order of the names."""
    return "".join(name + parameters[name] for name in sorted(parameters, key=str.encode))


def md5_hex(text: str) -> str:
    """Lower-case MD5 of the UTF-8 text. The platforms demand it; nothing of ours rests on it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def hmac_hex(key: str, text: str, algorithm: str) -> str:
    """Lower-case HMAC of the UTF-8 text under the UTF-8 key; algorithm: "md5", "sha1", "sha256"."""
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


def hmac_sha256_base64(key: str, body: bytes) -> str:
    """Base64 of the HMAC-SHA256 of ``body``."""
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()


def is_same(expected: str, given: str) -> bool:
    """True when both are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode())
