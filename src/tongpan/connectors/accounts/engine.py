"""What accounts decide without database or network: whether an account may be kept, when a push is tried again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tongpan.connectors.platforms.contract import Window
from tongpan.connectors.platforms.registry import platform
from tongpan.core.errors import Refusal

MOST_TRIES = 12
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_OPTION = re.compile(r"^[A-Za-z0-9_.-]{1,60}$")
_SECRET_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An account as it is to be kept. What is empty (options: None) stays as it is stored; endpoint "" of a new
    account is the platform's own."""

    shop_code: str
    platform: str
    endpoint: str = ""
    app_key: str = ""
    secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    token_expires_at: datetime | None = None
    options: Mapping[str, str] | None = None
    is_active: bool = True


def checked(spec: AccountSpec) -> str:
    """The address that the account is called at. Raises Refusal account.* or platform.*"""
    found = platform(spec.platform)
    endpoint = spec.endpoint.strip() or found.endpoint
    if not endpoint:
        raise Refusal(
            "account.endpoint", f"Each {found.title} shop has an address of its own: give it as https://shop.example."
        )
    try:
        parts = urlsplit(endpoint)
        is_loopback = parts.hostname in _LOOPBACK
        is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        parts, is_loopback, is_plain = urlsplit(""), False, False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback)
    if not (is_safe and parts.hostname and is_plain) or len(endpoint) > 300:
        raise Refusal(
            "account.endpoint",
            f"{endpoint[:80]!r} is no address to send secrets to: it must begin with https:// and name a host, without "
            "user, query or fragment.",
        )
    options = spec.options or {}
    for name, value in options.items():
        if not _OPTION.match(name) or not isinstance(value, str) or len(value) > 300:
            raise Refusal("account.option", f"The option {name[:60]!r} is not a short name with a short text.")
    if len(options) > 200:
        raise Refusal("account.option", "An account has at most 200 options.")
    if any(len(secret) > _SECRET_LENGTH for secret in (spec.secret, spec.access_token, spec.refresh_token)):
        raise Refusal("account.secret", f"A secret has at most {_SECRET_LENGTH} characters.")
    if len(spec.app_key) > 200 or any("\x00" in part for part in (spec.app_key, endpoint)):
        raise Refusal("account.app_key", "An app key has at most 200 characters.")
    return endpoint


def carrier_of(carrier: str, options: Mapping[str, str]) -> str:
    """The platform's own code of ``carrier``, by the account's option ``carrier.CODE``; itself without one."""
    return options.get(f"carrier.{carrier}", carrier)


def next_try(attempts: int, now: datetime) -> datetime:
    """When a push that failed ``attempts`` times is tried again: after 30 s, 1 min, 2 min … at most an hour."""
    return now + min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(max(attempts, 1) - 1, 10)))


def windows(since: datetime, until: datetime, longest: timedelta) -> Iterator[Window]:
    """[since, until) in parts that are no longer than the platform allows, oldest first."""
    while since < until:
        end = min(since + longest, until)
        yield Window(since, end)
        since = end


def halves(window: Window) -> tuple[Window, Window]:
    """A window that holds more orders than can be paged through, in two."""
    middle = window.since + (window.until - window.since) / 2
    middle = middle.replace(microsecond=0)
    return Window(window.since, middle), Window(middle, window.until)
