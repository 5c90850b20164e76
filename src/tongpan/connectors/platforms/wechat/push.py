"""What WeChat pushes: the SHA-1 check of its sender, and the sealed body."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tongpan.connectors.platforms.digests import is_same
from tongpan.core.errors import Refusal

_BLOCK = 32
"""WeChat pads to 32 bytes, twice the block of AES."""
_PREFIX_BYTES = 16
_LENGTH_BYTES = 4


def push_sign(*parts: str) -> str:
    """The lower-case SHA-1 over the sorted ``parts``: token, timestamp, nonce and, of a sealed body, its ciphertext."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def is_from_wechat(given: str, *parts: str) -> bool:
    """True when ``given`` is the signature that WeChat makes of ``parts``."""
    return is_same(push_sign(*parts), given.lower())


def open_body(ciphertext: str, encoding_aes_key: str, app_id: str) -> bytes:
    """The plain body of a push that was sealed with AES-256-CBC for ``app_id``.

    ciphertext: base64. encoding_aes_key: the 43 characters of the console. Raises Refusal wechat.damaged when it is
    not whole, was sealed with another key, or is meant for another app.
    """
    try:
        key = _key(encoding_aes_key)
        opener = Cipher(AES(key), CBC(key[:16])).decryptor()
        padded = opener.update(base64.b64decode(ciphertext, validate=True)) + opener.finalize()
    except (ValueError, binascii.Error):
        raise _damaged() from None
    padding = padded[-1] if padded else 0
    if not 1 <= padding <= _BLOCK or padded[-padding:] != bytes([padding]) * padding:
        raise _damaged()
    plain = padded[_PREFIX_BYTES:-padding]
    length = int.from_bytes(plain[:_LENGTH_BYTES], "big")
    body, receiver = plain[_LENGTH_BYTES : _LENGTH_BYTES + length], plain[_LENGTH_BYTES + length :]
    if len(body) != length or receiver != app_id.encode():
        raise _damaged()
    return body


def seal_body(body: bytes, encoding_aes_key: str, app_id: str, prefix: bytes) -> str:
    """The inverse of ``open_body``, for answers. prefix: 16 random bytes."""
    key = _key(encoding_aes_key)
    plain = prefix + len(body).to_bytes(_LENGTH_BYTES, "big") + body + app_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    sealer = Cipher(AES(key), CBC(key[:16])).encryptor()
    return base64.b64encode(sealer.update(plain + bytes([padding]) * padding) + sealer.finalize()).decode()


def _key(encoding_aes_key: str) -> bytes:
    return base64.b64decode(encoding_aes_key + "=", validate=True)


def _damaged() -> Refusal:
    return Refusal(
        "wechat.damaged",
        "The message pushed by WeChat cannot be opened: it was changed, or EncodingAESKey or app id are other ones.",
    )
