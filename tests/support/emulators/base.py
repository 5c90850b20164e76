"""What all emulated platforms share: the server, faults on demand, tokens, clocks, and what was told to them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
LONGEST_SKEW = timedelta(minutes=10)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Told:
    """An answer. drop: the connection is cut instead."""

    data: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass
class Sold:
    """An order on the platform. state: "unpaid", "paid", "dispatched" or "cancelled"."""

    number: str
    placed_at: datetime
    changed_at: datetime
    state: str = "paid"
    qty: int = 2
    price_minor: int = 1990
    postage_minor: int = 600
    off_minor: int = 300
    sku: str = "A"
    words: str = ""
    """The platform's own word for its state, where a test wants one that nobody knows."""

    @property
    def goods_minor(self) -> int:
        return self.qty * self.price_minor - self.off_minor

    @property
    def total_minor(self) -> int:
        return self.goods_minor + self.postage_minor


class Emulator(ABC):
    """A platform. Subclasses answer ``serve``; tests sell orders, break things, and look at what came in."""

    name = ""
    app_key = "app-1"
    secret = "app-secret"

    def __init__(self) -> None:
        self.sold: dict[str, Sold] = {}
        self.token = "token-1"
        self.refresh = "refresh-1"
        self.tokens_given = 1
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.stock: dict[tuple[str, str], list[int]] = {}
        self.prices: dict[tuple[str, str], list[str]] = {}
        self.shipments: list[tuple[str, str, str]] = []
        self.clock_ahead = timedelta()
        self.after_page: Callable[[int], None] = lambda page: None
        self.pages_served = 0
        self.lock = threading.RLock()
        self.url = ""

    # What tests do to it

    def sell(self, count: int, *, ago: timedelta = timedelta(hours=2), prefix: str = "1") -> list[Sold]:
        """Sell ``count`` orders, one a second, beginning ``ago``."""
        begin = datetime.now(UTC).replace(microsecond=0) - ago
        made = []
        for at in range(count):
            when = begin + timedelta(seconds=at)
            made.append(Sold(f"{prefix}{at:07d}", when - timedelta(minutes=5), when))
        self.sold |= {order.number: order for order in made}
        return made

    def touch(self, number: str, **changes: Any) -> None:
        """Change an order now."""
        order = self.sold[number]
        for name, value in changes.items():
            setattr(order, name, value)
        order.changed_at = datetime.now(UTC).replace(microsecond=0)

    def expire_token(self) -> None:
        self.token = "a token that nobody has"

    # What subclasses need

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    def is_skewed(self, at: datetime) -> bool:
        return abs(self.now - at) > LONGEST_SKEW

    def changed(self, since: datetime, until: datetime) -> list[Sold]:
        """Orders that were changed in [since, until], the newest first."""
        found = [order for order in self.sold.values() if since <= order.changed_at <= until]
        return sorted(found, key=lambda order: order.changed_at, reverse=True)

    def page_of(self, rows: list[Sold], page: int, size: int) -> list[Sold]:
        """Page ``page``, counted from 0; then what the test wants to happen between pages happens."""
        found = rows[page * size : (page + 1) * size]
        self.pages_served += 1
        self.after_page(self.pages_served)
        return found

    def renew(self) -> tuple[str, str]:
        self.tokens_given += 1
        self.token, self.refresh = f"token-{self.tokens_given}", f"refresh-{self.tokens_given}"
        return self.token, self.refresh

    def set_stock(self, item: Any, sku: Any, qty: Any) -> None:
        self.stock.setdefault((str(item), str(sku)), []).append(int(qty))

    def ship(self, number: str, carrier: str, tracking: str) -> None:
        self.shipments.append((number, carrier, tracking))
        self.touch(number, state="dispatched")

    @abstractmethod
    def serve(self, asked: Asked) -> Told:
        """The platform's answer."""

    def throttled(self) -> Told:
        """How this platform says that there were too many calls."""
        return Told({"error": "slow down"}, 429, {"Retry-After": "1"})

    def answer(self, asked: Asked) -> Told:
        with self.lock:
            fault = self.faults.pop(0) if self.faults else ""
            if fault == "throttled":
                return self.throttled()
            if fault == "500":
                return Told({"oops": True}, 500)
            if fault == "html":
                return Told("<html>gateway</html>", 502)
            if fault == "drop":
                return Told(drop=True)
            if fault == "expired":
                self.expire_token()
            return self.serve(asked)


@contextmanager
def running(emulator: Emulator) -> Iterator[Emulator]:
    """The emulator behind a real socket on this machine; its ``url`` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            told = emulator.answer(asked)
            if told.drop:
                self.close_connection = True
                self.connection.close()
                return
            content = told.data.encode() if isinstance(told.data, str) else json.dumps(told.data).encode()
            self.send_response_only(told.status)
            self.send_header("Date", format_datetime(emulator.now, usegmt=True))
            self.send_header("Content-Length", str(len(content)))
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _any

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    emulator.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield emulator
    finally:
        server.shutdown()
        server.server_close()


def yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def local(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def from_local(text: str) -> datetime:
    return datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def at_second(value: Any) -> datetime:
    return datetime.fromtimestamp(int(value), UTC)


def md5_upper(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest().upper()


def hmac_sha256(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def wrapped(parameters: dict[str, str], secret: str) -> str:
    return secret + "".join(name + parameters[name] for name in sorted(parameters)) + secret
