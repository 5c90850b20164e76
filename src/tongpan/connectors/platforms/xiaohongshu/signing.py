"""How a call to Xiaohongshu's old REST interface is signed: its path, its parameters and two of its headers.

The new gateway signs four system parameters only; how, no public document with a vector says, so it is not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.digests import md5_hex


def sign(path: str, parameters: Mapping[str, str], app_key: str, timestamp: str, secret: str) -> str:
    """The lower-case MD5 over ``path?…`` and the secret.

    ``app-key`` and ``timestamp`` (seconds) travel as headers and are signed among the parameters, in byte order.
    """
    signed = {**parameters, "app-key": app_key, "timestamp": timestamp}
    query = "&".join(f"{name}={signed[name]}" for name in sorted(signed, key=str.encode))
    return md5_hex(f"{path}?{query}{secret}")
