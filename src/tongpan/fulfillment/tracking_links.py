"""The unguessable token by which a buyer reads the state of one order without signing in.

It is made from the order's id and the vault's key and is kept nowhere. 128 of its bits authenticate it; the id inside
is masked by them, so that it does not tell how many orders there are.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from tongpan.access.vault import blind_index

_ID_BYTES = 8


def token_of(order_id: int) -> str:
    """The token of an order: 32 characters that fit into an address."""
    seal = blind_index("track", "", str(order_id))[:16]
    return base64.urlsafe_b64encode(seal + _masked(order_id.to_bytes(_ID_BYTES, "big"), seal)).decode()


def order_of(token: str) -> int | None:
    """The id of the order whose token it is, None for any other text."""
    if len(token) != 32:
        return None
    try:
        content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    seal, masked = content[:16], content[16:]
    order_id = int.from_bytes(_masked(masked, seal), "big")
    genuine = hmac.compare_digest(seal, blind_index("track", "", str(order_id))[:16])
    return order_id if genuine else None


def _masked(content: bytes, seal: bytes) -> bytes:
    mask = blind_index("track-mask", "", seal.hex())[:_ID_BYTES]
    return bytes(a ^ b for a, b in zip(content, mask, strict=True))
