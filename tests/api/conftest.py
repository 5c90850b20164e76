"""A company with one shop and two nodes, and a client that holds a key.

This file is read before Django is set up, so what needs it is imported inside the fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.calling import Api


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API's clock stands at NOW."""
    from tests.api.calling import NOW

    for room in (
        "operations",
        "carts",
        "promotions",
        "coupons",
        "quotes",
        "subscriptions",
        "order_changes",
        "order_edits",
        "orders",
        "returns",
        "aftersale",
        "stock",
        "transfers",
        "counts",
        "inspections",
        "visits",
        "replenishment",
        "supply",
        "channels",
        "nodes",
        "imports",
    ):
        monkeypatch.setattr(f"tongpan.api.{room}.utc_now", lambda: NOW)


@pytest.fixture
def api(db: None) -> Api:
    """A client whose key has every scope."""
    from tests.api.calling import client_with_every_scope

    return client_with_every_scope()


@pytest.fixture
def company(db: None) -> None:
    from tests.api.calling import make_company

    make_company()
