"""What a replay knows of goods: what rules name them by, floors, bands, costs at the moment, list prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from tongpan.pricing.engine import PriceBook
from tongpan.promotions.cart_facts import Goods

MOST_PLACES = 200_000
"""Facts of goods at places that are kept before they are thrown away and made again."""


class Facts(NamedTuple):
    """Of one SKU on one channel in one region. floor_minor: the least net price of a unit; band: of a unit, or None."""

    floor_minor: int
    low_minor: int | None
    high_minor: int | None
    product: str
    categories: tuple[str, ...]
    tags: frozenset[str]


class CostSpan(NamedTuple):
    """What a unit costs the company in [since, until)."""

    since: datetime | None
    until: datetime | None
    amount_minor: int


class Shelf:
    """Grows by ``put`` with the SKUs that orders bring; holds nothing of orders."""

    def __init__(self) -> None:
        self.goods: dict[str, Goods] = {}
        self._books: dict[str, PriceBook] = {}
        self._costs: dict[tuple[str, str], list[CostSpan]] = {}
        self._facts: dict[tuple[str, str, str, str], Facts] = {}
        self.is_net_banded = False

    def put(self, goods: Mapping[str, Goods], book: PriceBook, costs: Iterable[tuple[str, str, CostSpan]]) -> None:
        """Know ``goods`` too. costs: (SKU, currency, span)."""
        self.goods |= goods
        self._books |= dict.fromkeys(goods, book)
        self.is_net_banded = book.settings.band_applies_to != "list"
        for sku, currency, span in costs:
            self._costs.setdefault((sku, currency), []).append(span)

    def missing(self, skus: Iterable[str]) -> list[str]:
        """Those of ``skus`` that are not known yet, once each."""
        return sorted({sku for sku in skus if sku not in self.goods})

    def facts(self, sku: str, channel: str, region: str, currency: str) -> Facts:
        """What is known of a SKU there. Raises KeyError for one that was not put."""
        key = (sku, channel, region, currency)
        found = self._facts.get(key)
        if found is None:
            if len(self._facts) >= MOST_PLACES:
                self._facts.clear()
            goods, book = self.goods[sku], self._books[sku]
            band = book.band(sku, channel) if book.currency(channel) == currency else None
            low, high = band or (None, None)
            floor = book.least_net(sku, region, currency) or 0
            found = Facts(floor, low, high, goods.product, goods.categories, goods.tags(channel))
            self._facts[key] = found
        return found

    def cost(self, sku: str, currency: str, at: datetime) -> int | None:
        """What a unit cost the company at ``at``; None when nobody said."""
        for span in self._costs.get((sku, currency), ()):
            if (span.since is None or span.since <= at) and (span.until is None or at < span.until):
                return span.amount_minor
        return None

    def price(
        self, sku: str, channel: str, currency: str, *, tier: str, region: str, qty: int, scopes: frozenset[str]
    ) -> int | None:
        """What the price lists ask for a unit; None when none does in this currency."""
        found = self._books[sku].price(sku, channel, tier=tier, region=region, qty=qty, scopes=scopes)
        return found.amount_minor if found is not None and found.currency == currency else None
