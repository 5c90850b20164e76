"""WeChat Pay v2 and v3: how requests are signed and call-backs opened."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tongpan.connectors.platforms.digests import md5_hex
from tongpan.core.errors import Refusal

V3_SCHEMA = "WECHATPAY2-SHA256-RSA2048"


def pay_v2_sign(parameters: Mapping[str, str], key: str) -> str:
    """The upper-case MD5 of the sorted, non-empty pairs and the merchant's key."""
    pairs = [f"{name}={parameters[name]}" for name in sorted(parameters, key=str.encode) if parameters[name]]
    return md5_hex("&".join([*pairs, f"key={key}"])).upper()


def pay_v3_text(method: str, url: str, timestamp: str, nonce: str, body: str) -> str:
    """The five lines that are signed; ``url`` is path and query, ``timestamp`` is in seconds."""
    return f"{method.upper()}\n{url}\n{timestamp}\n{nonce}\n{body}\n"


def pay_v3_sign(text: str, private_key_pem: bytes) -> str:
    """Base64 of the RSA-SHA256 signature of ``text``. Raises Refusal wechat.key when the key is no RSA key."""
    key = load_pem_private_key(private_key_pem, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise Refusal("wechat.key", "WeChat Pay v3 signs with an RSA key: give the merchant's apiclient_key.pem.")
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def pay_v3_authorization(
    method: str, url: str, body: str, *, merchant: str, serial: str, private_key_pem: bytes, timestamp: str, nonce: str
) -> str:
    """The header ``Authorization`` of a v3 request. serial: the number of the merchant's certificate."""
    signature = pay_v3_sign(pay_v3_text(method, url, timestamp, nonce, body), private_key_pem)
    fields = {
        "mchid": merchant,
        "nonce_str": nonce,
        "signature": signature,
        "timestamp": timestamp,
        "serial_no": serial,
    }
    return f"{V3_SCHEMA} " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def is_pay_v3_signed(text: str, signature: str, public_key_pem: bytes) -> bool:
    """True when ``signature`` (base64) of ``text`` was made with the key that belongs to ``public_key_pem``."""
    key = load_pem_public_key(public_key_pem)
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def open_pay_v3(ciphertext: str, nonce: str, associated_data: str, api_v3_key: str) -> bytes:
    """The plain body of a v3 call-back (AES-256-GCM, base64 with the tag at its end).

    api_v3_key: 32 characters. Raises Refusal wechat.damaged when the key or any part is not the one it was sealed with.
    """
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(api_v3_key.encode()).decrypt(nonce.encode(), sealed, associated_data.encode())
    except (InvalidTag, ValueError):
        raise Refusal(
            "wechat.damaged",
            "The WeChat Pay call-back cannot be opened: it was changed on its way, or the APIv3 key is another one.",
        ) from None
