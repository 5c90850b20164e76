"""Prices in the price book, for tests of what sells by them."""

from __future__ import annotations

from datetime import timedelta

from tests.support.company import ACTOR, NOW

from tongpan.pricing.actions import PriceChange, request_changes


def ask(list_code: str, **minor: int) -> None:
    """Let a list ("guide", or the code of a channel) ask so much for a unit of each SKU, from a day before NOW on."""
    changes = [PriceChange(list_code, sku, amount, starts_at=NOW) for sku, amount in minor.items()]
    asked = request_changes(changes, why="test", actor=ACTOR, now=NOW - timedelta(seconds=1))
    assert [row.outcome for row in asked.rows] == ["applied"] * len(minor), asked
