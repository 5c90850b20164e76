"""What every part of the check works with: rules, the goods they reach, when and for whom they count, and prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tongpan.promotions.conflicts.bounds import Bounds
from tongpan.promotions.conflicts.carts import FEW_GOODS, Larder
from tongpan.promotions.conflicts.facts import CampaignFacts, Good, Limits, Market
from tongpan.promotions.conflicts.pricer import Pricer
from tongpan.promotions.conflicts.reach import Reach, bits, reach_of
from tongpan.promotions.conflicts.scenes import Buyer, Scene, buyers, may_use, scenes
from tongpan.promotions.engine.book import compile_book
from tongpan.promotions.engine.rules import NForPrice, Rule, Rulebook, SetOffer


@dataclass(frozen=True, slots=True)
class Stage:
    """A scene with one kind of buyer; mask: the rules that count for them."""

    scene: Scene
    buyer: Buyer
    mask: int


@dataclass(slots=True)
class Workshop:
    """The check of one rulebook.

    rules outside of ``looked`` (bits) count while carts are priced, but nothing is reported that is theirs alone.
    has_all_buyers: channel → whether every kind of buyer that its rules tell apart is there.
    """

    book: Rulebook
    market: Market
    limits: Limits
    start: datetime
    end: datetime
    now: datetime
    looked: int
    pricer: Pricer
    reach: Reach
    goods: tuple[Good, ...]
    larder: Larder
    bounds: Bounds
    scenes: list[Scene]
    has_all_buyers: dict[str, bool] = field(default_factory=dict)
    _stages: dict[str, list[Stage]] = field(default_factory=dict)
    _distinct: dict[tuple[str, int], list[tuple[str, int, Stage]]] = field(default_factory=dict)

    @property
    def channels(self) -> tuple[str, ...]:
        return self.market.channels

    @property
    def rules(self) -> Sequence[Rule]:
        return self.book.rules

    def campaign(self, code: str) -> CampaignFacts | None:
        """The campaign of a code, or None when nobody knows it."""
        return next((one for one in self.market.campaigns if one.code == code), None)

    def price(self, channel: str, tier: str, good: Good) -> int | None:
        """The list price of a unit, or None when the channel does not sell it."""
        return self.market.price(channel, tier, good.sku)

    def sold_at(self, channel: str, tier: str, sku: str) -> int:
        """The list price of a unit that the channel sells. Raises KeyError for one that it does not."""
        price = self.market.price(channel, tier, sku)
        if price is None:
            raise KeyError(sku)
        return price

    def tiers(self, channel: str) -> list[str]:
        """The tiers of the buyers of a channel."""
        return sorted({stage.buyer.tier for stage in self.stages(channel)} | {""})

    def stages(self, channel: str) -> list[Stage]:
        """Scenes of a channel with the buyers that its rules tell apart; each set of rules and tier once."""
        found = self._stages.get(channel)
        if found is None:
            mine = [scene for scene in self.scenes if scene.channel == channel]
            ever = 0
            for scene in mine:
                ever |= scene.mask
            people, is_all = buyers([self.rules[n] for n in bits(ever)], self.market.tiers)
            self.has_all_buyers[channel] = is_all
            may = [sum(1 << n for n in bits(ever) if may_use(self.rules[n], buyer)) for buyer in people]
            kept: dict[tuple[str, int], Stage] = {}
            for scene in mine:
                for buyer, mask in zip(people, may, strict=True):
                    kept.setdefault((buyer.tier, scene.mask & mask), Stage(scene, buyer, scene.mask & mask))
            found = self._stages[channel] = list(kept.values())
        return found

    def distinct(self, channel: str, reach: int) -> list[tuple[str, int, Stage]]:
        """(tier, rules, stage) for goods that ``reach`` reaches, each set of rules once, the largest first."""
        found = self._distinct.get((channel, reach))
        if found is None:
            kept: dict[tuple[str, int], Stage] = {}
            # While goods are few, moments at which only other goods have other rules are told apart too.
            wide = -1 if len(self.goods) <= FEW_GOODS else reach
            for stage in self.stages(channel):
                kept.setdefault((stage.buyer.tier, stage.mask & wide), stage)
            found = [(tier, mask & reach, stage) for (tier, mask), stage in kept.items()]
            found.sort(key=lambda one: -one[1].bit_count())
            self._distinct[(channel, reach)] = found
        return found

    def classes(self, mask: int) -> dict[int, list[Good]]:
        """The goods by the rules of ``mask`` that reach them; those that none reaches are left out."""
        found: dict[int, list[Good]] = {}
        for good in self.goods:
            if reach := self.reach.masks[good.sku] & mask:
                found.setdefault(reach, []).append(good)
        return found

    def meeting(self, numbers: Iterable[int]) -> list[frozenset[str]]:
        """Pairs of codes of rules that may meet on a line."""
        some = [self.rules[n] for n in numbers]
        return [
            frozenset((one.code, two.code)) for n, one in enumerate(some) for two in some[n + 1 :]
            if self.bounds.may_meet(one, two)
        ]  # fmt: skip


def open_workshop(
    book: Rulebook, market: Market, limits: Limits, *, end: datetime, now: datetime, campaign: str = ""
) -> Workshop:
    """Everything the check needs. campaign: look only at what its rules do; "" looks at all."""
    looked = sum(1 << n for n, rule in enumerate(book.rules) if not campaign or rule.campaign == campaign)
    reach = reach_of(book.rules, market.goods)
    goods = tuple(good for good in market.goods if reach.masks[good.sku] & looked)
    dearest = _dearest(book.rules, reach, market)
    return Workshop(
        book, market, limits, now, end, now, looked,
        Pricer(compile_book(book), market, limits.max_carts),
        reach, goods,
        Larder(market, book.rules, reach.goods),
        Bounds(book, dearest),
        scenes(book.rules, market.channels, now, end),
    )  # fmt: skip


def _dearest(rules: Sequence[Rule], reach: Reach, market: Market) -> list[int]:
    """For rules with a price for several units: what those units cost at most at list prices; 0 for others."""
    tops: dict[str, int] = {}
    for prices in market.prices.values():
        for sku, price in prices.items():
            tops[sku] = max(price, tops.get(sku, 0))
    found = []
    for number, rule in enumerate(rules):
        benefit = rule.benefit
        if isinstance(benefit, NForPrice | SetOffer):
            units = benefit.n if isinstance(benefit, NForPrice) else sum(part.qty for part in benefit.parts)
            found.append(units * max((tops.get(good.sku, 0) for good in reach.goods[number]), default=0))
        else:
            found.append(0)
    return found
