"""The price book at one instant: what every SKU costs on every channel, by any list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tongpan.pricing.engine.bands import Band, PriceSettings
from tongpan.pricing.engine.resolving import Ask, Considered, ListRef, Offer, Price, consider, resolve

_DEFAULT_CURRENCY = "CNY"


class Floor(NamedTuple):
    """floor_minor: the least list price of a unit. net_minor: the least price after all discounts."""

    floor_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices at ``at``. All amounts are minor units of one unit of a SKU; SKUs, channels and lists by code.

    offers: what the lists ask, by SKU. currencies: of the channels. guides: by (SKU, currency). floors: by
    (SKU, region, currency). costs: by (SKU, currency). bands: of the channels with one of their own.
    """

    at: datetime
    settings: PriceSettings = field(default_factory=PriceSettings)
    offers: Mapping[str, Sequence[Offer]] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    guides: Mapping[tuple[str, str], int] = field(default_factory=dict)
    floors: Mapping[tuple[str, str, str], Floor] = field(default_factory=dict)
    costs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    bands: Mapping[str, Band] = field(default_factory=dict)
    lists: Sequence[ListRef] = ()
    _regional: Mapping[tuple[str, str], dict[str, Floor]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        regional: dict[tuple[str, str], dict[str, Floor]] = {}
        for (sku, region, currency), floor in self.floors.items():
            if region:
                regional.setdefault((sku, currency), {})[region] = floor
        object.__setattr__(self, "_regional", regional)

    def currency(self, channel: str) -> str:
        """The currency that ``channel`` sells in."""
        return self.currencies.get(channel, _DEFAULT_CURRENCY)

    def price(
        self,
        sku: str,
        channel: str,
        *,
        tier: str = "",
        region: str = "",
        qty: int = 1,
        scopes: frozenset[str] = frozenset(),
    ) -> Price | None:
        """What one unit costs; None when no list has a price. Without tier and scopes: the channel's list price."""
        return resolve(self.offers.get(sku, ()), self._ask(channel, tier, region, qty, scopes))

    def explain(
        self,
        sku: str,
        channel: str,
        *,
        tier: str = "",
        region: str = "",
        qty: int = 1,
        scopes: frozenset[str] = frozenset(),
    ) -> list[Considered]:
        """Every offer of the SKU and why it counts or not, the chosen one first."""
        return consider(self.offers.get(sku, ()), self._ask(channel, tier, region, qty, scopes))

    def guide(self, sku: str, currency: str = _DEFAULT_CURRENCY) -> int | None:
        """The guide price."""
        return self.guides.get((sku, currency))

    def floor(self, sku: str, region: str = "", currency: str = _DEFAULT_CURRENCY) -> int | None:
        """The least list price, of the region or else of everywhere; None without a floor."""
        found = self._floor(sku, region, currency)
        return found.floor_minor if found else None

    def least_net(self, sku: str, region: str = "", currency: str = _DEFAULT_CURRENCY) -> int | None:
        """The least price after all discounts, of the region or else of everywhere; None without a floor."""
        found = self._floor(sku, region, currency)
        return found.net_minor if found else None

    def region_floors(self, sku: str, currency: str = _DEFAULT_CURRENCY) -> dict[str, Floor]:
        """The floors of single regions, by region."""
        return self._regional.get((sku, currency), {})

    def cost(self, sku: str, currency: str = _DEFAULT_CURRENCY) -> int | None:
        """What a unit costs the company."""
        return self.costs.get((sku, currency))

    def band_of(self, channel: str) -> Band:
        """The band of ``channel``: its own, or that of the settings."""
        return self.bands.get(channel) or self.settings.band

    def band(self, sku: str, channel: str) -> tuple[int, int] | None:
        """The lowest and highest list price on ``channel``, both allowed; None without a guide price."""
        guide = self.guides.get((sku, self.currency(channel)))
        return None if guide is None else self.band_of(channel).limits(guide)

    def _floor(self, sku: str, region: str, currency: str) -> Floor | None:
        own = self.floors.get((sku, region, currency)) if region else None
        return own or self.floors.get((sku, "", currency))

    def _ask(self, channel: str, tier: str, region: str, qty: int, scopes: frozenset[str]) -> Ask:
        return Ask(channel, self.currency(channel), tier, region, qty, scopes)
