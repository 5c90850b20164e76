"""One HTTP POST to an address of somebody else, without becoming a tool against our own network.

The name is resolved once, every address it has is checked, and the connection goes to a checked address: a name
that resolves to another address a moment later gains nothing. Redirects are not followed. Answers are read up to a
limit, and the whole exchange ends at a deadline however slowly the other side drips.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tongpan import __version__
from tongpan.core.errors import Refusal

NETWORKS_SETTING = "TONGPAN_WEBHOOK_NETWORKS"
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MOST_ANSWER_BYTES = 64 * 1024
_KEPT_CHARACTERS = 1000
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "64:ff9b::/96", "2002::/16")
)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """status: None when there was no answer; then error says why. text: the beginning of the answer's body."""

    status: int | None
    duration_ms: int
    error: str = ""
    retry_after: str = ""
    text: str = ""


def own_networks() -> list[Network]:
    """The networks of ``TONGPAN_WEBHOOK_NETWORKS`` that may be sent to although they are not public.

    Raises Refusal config.invalid.
    """
    text = os.environ.get(NETWORKS_SETTING, "")
    try:
        return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise Refusal(
            "config.invalid",
            f"{NETWORKS_SETTING} must be networks separated by commas, as 10.0.0.0/8,127.0.0.1/32: {error}.",
        ) from None


def is_public(address: Address) -> bool:
    """Whether ``address`` belongs to somebody on the internet, and to no network of our own."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_public(mapped)
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    )


def _is_own(address: Address, own: Sequence[Network]) -> bool:
    return any(address in network for network in own if network.version == address.version)


def check_url(url: str) -> SplitResult:
    """The parts of an address that may be sent to, as far as that can be said without resolving its name.

    Raises Refusal webhook.url.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refusal("webhook.url", f"{url!r} is no address.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise Refusal("webhook.url", "The address must begin with https:// and name a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refusal("webhook.url", "The address must have no user name, password or fragment.")
    if not url.isascii() or any(sign <= " " or sign == "\x7f" for sign in url):
        raise Refusal("webhook.url", "Write the address in ASCII without spaces.")
    if len(url) > 2000 or len(host) > 253 or port == 0:
        raise Refusal("webhook.url", "The address is too long, or its port is 0.")
    own = own_networks()
    with suppress(ValueError):
        _refuse_inner(ipaddress.ip_address(host), own)
    if parts.scheme == "http" and not own:
        raise Refusal(
            "webhook.url",
            f"The address must begin with https://; plain http is for networks of {NETWORKS_SETTING} only.",
        )
    return parts


def _refuse_inner(address: Address, own: Sequence[Network]) -> None:
    if not is_public(address) and not _is_own(address, own):
        raise Refusal(
            "webhook.address",
            f"{address} is no public address. An operator who wants to send there sets {NETWORKS_SETTING}.",
        )


def resolve(parts: SplitResult) -> tuple[socket.AddressFamily, str]:
    """The checked address that the host of ``parts`` has now.

    Raises Refusal webhook.address when any of its addresses is not public and not of our own networks, or when
    plain http would leave those; OSError when the name is not known.
    """
    own = own_networks()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [(family, str(where[0])) for family, _, _, _, where in found]
    for _family, text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        _refuse_inner(address, own)
        if parts.scheme == "http" and not _is_own(address, own):
            raise Refusal("webhook.address", f"Plain http may not leave the networks of {NETWORKS_SETTING}.")
    return addresses[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, whatever its host name means by now."""

    def __init__(self, parts: SplitResult, family: socket.AddressFamily, address: str) -> None:
        is_secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if is_secure else 80), timeout=CONNECT_SECONDS)
        self._family, self._address, self._is_secure = family, address, is_secure
        if not is_secure:
            return
        self.default_port = 443
        self._context = ssl.create_default_context()

    def connect(self) -> None:
        # Known from the start, so that the deadline ends a slow handshake too.
        self.sock: Any = socket.socket(self._family, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT_SECONDS)
        self.sock.connect((self._address, self.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._is_secure:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock.settimeout(TOTAL_SECONDS)


def post(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float = TOTAL_SECONDS) -> Answer:
    """Send ``body`` to ``url`` and say what came back within ``seconds``. Raises nothing: what failed is the answer."""
    begun = time.monotonic()

    def taken() -> int:
        return int((time.monotonic() - begun) * 1000)

    try:
        parts = check_url(url)
        connection = _Pinned(parts, *resolve(parts))
    except Refusal as refusal:
        return Answer(None, taken(), refusal.sentence)
    except (OSError, UnicodeError) as error:
        return Answer(None, taken(), f"The name of the host could not be resolved: {error}")
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    deadline = threading.Timer(seconds, end)
    deadline.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"Content-Type": "application/json", "User-Agent": f"Tongpan/{__version__}", **headers}
        connection.request("POST", target, body=body, headers=sent)
        response = connection.getresponse()
        content = response.read(MOST_ANSWER_BYTES)
        if is_late.is_set():
            # The end of a connection that we cut ends headers too, and would pass for an answer.
            raise TimeoutError
        text = content.decode("utf-8", "replace").replace("\x00", "\ufffd")[:_KEPT_CHARACTERS]
        return Answer(response.status, taken(), "", response.headers.get("Retry-After", ""), text)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = f"No whole answer within {seconds:g} seconds"
        return Answer(None, taken(), late if is_late.is_set() else str(error) or type(error).__name__)
    finally:
        deadline.cancel()
        connection.close()
