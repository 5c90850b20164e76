"""How Youzan signs what it pushes. Its API itself is called with an access token and no signature."""

from __future__ import annotations

import hashlib

from tongpan.connectors.platforms.digests import is_same


def push_sign(client_id: str, body: bytes, client_secret: str) -> str:
    """The lower-case MD5 of client id, raw body and client secret: header ``Event-Sign``."""
    whole = client_id.encode() + body + client_secret.encode()
    return hashlib.md5(whole, usedforsecurity=False).hexdigest()


def is_from_youzan(given: str, client_id: str, body: bytes, client_secret: str) -> bool:
    """True when the header ``Event-Sign`` is the one that Youzan makes of the raw body."""
    return is_same(push_sign(client_id, body, client_secret), given.lower())
