"""Who may do what: permissions by role, and the shape of API keys. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

VIEWS = frozenset(
    {
        "orders.view",
        "stock.view",
        "channels.view",
        "network.view",
        "goods.view",
        "customers.view",
        "metrics.view",
        "imports.view",
        "integration.view",
        "promotions.view",
        "prices.view",
    }
)
"""Reading. Personal data is masked for everyone; "customers.reveal" shows it, with a logged reason."""

CHANGES = frozenset(
    {
        "orders.edit",
        "fulfillment.work",
        "returns.edit",
        "returns.approve",
        "stock.edit",
        "channels.edit",
        "network.edit",
        "goods.edit",
        "customers.edit",
        "imports.run",
        "metrics.edit",
        "integration.edit",
        "promotions.edit",
        "promotions.publish",
        "prices.edit",
        "cases.edit",
    }
)

OFFICE = frozenset(
    {
        "data.export",
        "customers.reveal",
        "settings.edit",
        "users.manage",
        "keys.manage",
        "audit.view",
        "stock.approve",
        "promotions.accept",
        "prices.approve",
    }
)

ALL = VIEWS | CHANGES | OFFICE

PERMISSIONS: dict[str, frozenset[str]] = {
    "administrator": ALL,
    "manager": ALL - {"settings.edit", "users.manage", "keys.manage"},
    "analyst": VIEWS - {"integration.view"} | {"data.export"},
    "store": frozenset(
        {
            "orders.view",
            "fulfillment.work",
            "returns.edit",
            "stock.view",
            "stock.edit",
            "goods.view",
            "network.view",
            "channels.view",
            "customers.view",
            "promotions.view",
        }
    ),
    "viewer": VIEWS - {"customers.view", "integration.view"},
}
"""What each role (``access.models.Role``) may do."""

SCOPES = VIEWS | CHANGES
"""What an API key may be allowed to do. Keys are for machines: office permissions are for people only."""

KEY_PREFIX = "tp_"
_KEY = re.compile(r"^tp_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$")


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those of ``scopes`` that no key can have, in order of name."""
    return sorted(set(scopes) - SCOPES)


def is_key(text: str) -> bool:
    """True when ``text`` has the form of an API key: ``tp_``, 8 characters that name it, and its secret."""
    return bool(_KEY.match(text))


def prefix_of(key: str) -> str:
    """The part of an API key that may be shown and logged."""
    return key[: len(KEY_PREFIX) + 8]


def key_digest(key: str) -> bytes:
    """What is kept of an API key. Its secret has 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode()).digest()
