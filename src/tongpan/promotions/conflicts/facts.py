"""What the check before launch is given beside the rules: goods, prices, bands, campaigns, and what is expected.

Plain values, so that the check is a pure function of them: the same facts give the same findings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Prices = Mapping[str, int]
"""SKU code → price of a unit in minor units."""


@dataclass(frozen=True, slots=True)
class Good:
    """One SKU. floor_minor: least net price of a unit, 0 for none. cost_minor: None when it is not known.

    tags: in every channel; roles: those of single channels, by channel.
    stock: units free to sell over all nodes, None when nobody keeps stock of it.
    """

    sku: str
    product: str = ""
    categories: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    floor_minor: int = 0
    cost_minor: int | None = None
    stock: int | None = None
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def tags_in(self, channel: str) -> frozenset[str]:
        """Its tags as a cart of ``channel`` carries them."""
        return self.tags | self.roles.get(channel, frozenset())

    def all_tags(self) -> frozenset[str]:
        """Its tags of all channels together."""
        return self.tags.union(*self.roles.values())


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """One campaign. discount_mode: "unified" promises the same discount in each of ``channels``.

    tolerance_bp: by how much the discounts of two channels may differ, in hundredths of a per cent of the list price.
    """

    code: str
    discount_mode: str
    tolerance_bp: int
    starts: datetime
    ends: datetime
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Announced:
    """The stack matrix that customers were last told: groups of offers, pairs of them that may meet, and since when."""

    groups: frozenset[str]
    pairs: frozenset[frozenset[str]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the check.

    max_depth_bp: a discount deeper than this share of the list price needs approval (``promo.max_net_discount_pct``).
    band_applies_to: whether the band of a channel holds the list price or the net price
    (``price.band_applies_to``). max_carts: how many carts may be priced while searching. max_skus: how many SKUs a
    finding names one by one.
    """

    max_depth_bp: int = 3000
    band_applies_to: Literal["list", "net"] = "list"
    max_carts: int = 25_000
    max_skus: int = 50


@dataclass(frozen=True, slots=True)
class Market:
    """Everything the check knows about the world.

    tiers: tiers of members that have prices or offers of their own, "" for everybody else. prices: (channel, tier) →
    list prices; a tier without an entry pays the price of tier "". bands: channel → SKU → lowest and highest allowed
    price. expected: channel → SKU → thousandths of a unit sold on a day. announced: None when nothing was announced.
    """

    goods: tuple[Good, ...]
    channels: tuple[str, ...]
    prices: Mapping[tuple[str, str], Prices]
    tiers: tuple[str, ...] = ("",)
    currency: str = "CNY"
    bands: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
    expected: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    campaigns: tuple[CampaignFacts, ...] = ()
    announced: Announced | None = None

    def price(self, channel: str, tier: str, sku: str) -> int | None:
        """The list price of a unit, or None when the channel does not sell it."""
        own = self.prices.get((channel, tier))
        if own is not None and (found := own.get(sku)) is not None:
            return found
        return self.prices.get((channel, ""), {}).get(sku)
