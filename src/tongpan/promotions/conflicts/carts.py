"""Which carts the search prices for one SKU: the smallest that open each rule, alone and with other goods.

All carts of two SKUs with up to three units each while the rules reach few goods; beyond that the carts that just
reach a threshold, where a discount is the largest share of the total.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tongpan.promotions.conflicts.facts import Good, Market
from tongpan.promotions.conflicts.pricer import Basket
from tongpan.promotions.conflicts.reach import bits, covers
from tongpan.promotions.engine.rules import (
    BuyGet,
    NForPrice,
    NthItem,
    PercentOff,
    Rule,
    Scope,
    SetOffer,
    Steps,
)

FEW_GOODS = 8
"""While no more goods are reached, every pair of them is tried."""
EACH = 3
"""Units of each SKU in carts that are tried one by one."""
MOST_UNITS = 60
"""A threshold that more units of one SKU would be needed for is reached with other goods."""
WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A SKU where it is sold, and to whom: ``unit_minor`` is its list price there."""

    channel: str
    tier: str
    sku: str
    unit_minor: int


@dataclass(slots=True)
class Larder:
    """Goods to fill carts with: for each rule, channel and tier those it reaches, by price."""

    market: Market
    rules: Sequence[Rule]
    goods: Sequence[Sequence[Good]]
    _shelves: dict[tuple[int, str, str], list[tuple[int, str]]] = field(default_factory=dict)
    _ordered: dict[tuple[int, str, str, Scope], list[str]] = field(default_factory=dict)

    def shelf(self, number: int, channel: str, tier: str) -> list[tuple[int, str]]:
        """(price, SKU) of the goods of a rule that the channel sells, the cheapest first."""
        key = (number, channel, tier)
        found = self._shelves.get(key)
        if found is None:
            priced = ((self.market.price(channel, tier, good.sku), good.sku) for good in self.goods[number])
            found = self._shelves[key] = sorted((price, sku) for price, sku in priced if price is not None)
        return found

    def ends(self, number: int, channel: str, tier: str, scope: Scope, sku: str) -> list[str]:
        """The cheapest and the dearest good of ``scope`` among those of a rule, other than ``sku``."""
        key = (number, channel, tier, scope)
        fit = self._ordered.get(key)
        if fit is None:
            wanted = {good.sku for good in self.goods[number] if covers(scope, good)}
            fit = [code for _price, code in self.shelf(number, channel, tier) if code in wanted]
            self._ordered[key] = fit
        ends = [code for code in (*fit[:2], *fit[-2:]) if code != sku]
        return list(dict.fromkeys([ends[0], ends[-1]])) if ends else []


def baskets(larder: Larder, mask: int, spot: Spot) -> list[Basket]:
    """Carts with the SKU that rules of ``mask`` may make cheap, the smallest first, each once."""
    sku, channel, tier = spot.sku, spot.channel, spot.tier
    found: dict[Basket, None] = {((sku, qty),): None for qty in range(1, EACH + 1)}
    benefits = [larder.rules[number].benefit for number in bits(mask)]
    offs = sorted({one.percent_bp for one in benefits if isinstance(one, PercentOff) and 0 < one.percent_bp < WHOLE})
    for number in bits(mask):
        for basket in _opening(larder, number, spot, offs):
            found[basket] = None
    near = {code for number in bits(mask) for _price, code in larder.shelf(number, channel, tier)[: FEW_GOODS + 1]}
    if len(near) <= FEW_GOODS:
        for other in sorted(near - {sku}):
            for mine in range(1, EACH + 1):
                for theirs in range(1, EACH + 1):
                    found[((sku, mine), (other, theirs))] = None
    return list(found)


def _opening(larder: Larder, number: int, spot: Spot, offs: Sequence[int]) -> Iterator[Basket]:
    """The smallest carts with the SKU that open one rule."""
    sku, channel, tier = spot.sku, spot.channel, spot.tier
    rule = larder.rules[number]
    for least in amounts(rule):
        for target in dict.fromkeys([least, *(-(-least * WHOLE // (WHOLE - off)) for off in offs)]):
            yield from _reaching(larder, number, spot, target)
    for least in counts(rule):
        if least <= MOST_UNITS:
            yield ((sku, least),)
        for other in larder.ends(number, channel, tier, rule.scope, sku) if 1 < least <= MOST_UNITS else ():
            yield ((sku, 1), (other, least - 1))
            yield ((sku, least - 1), (other, 1))
    benefit = rule.benefit
    if isinstance(benefit, BuyGet) and benefit.of is not None:
        for other in larder.ends(number, channel, tier, benefit.of, sku):
            yield ((sku, benefit.buy), (other, benefit.get))
        for other in larder.ends(number, channel, tier, rule.scope, sku):
            yield ((sku, benefit.get), (other, benefit.buy))
    if isinstance(benefit, SetOffer):
        yield from _sets(larder, number, benefit, spot)


def _reaching(larder: Larder, number: int, spot: Spot, least: int) -> Iterator[Basket]:
    """Carts that come to ``least`` minor units or just above: of the SKU alone, and of one unit with another good."""
    sku, unit_minor = spot.sku, spot.unit_minor
    alone = max(-(-least // unit_minor), 1) if unit_minor else MOST_UNITS + 1
    if alone <= MOST_UNITS:
        yield ((sku, alone),)
    shelf = larder.shelf(number, spot.channel, spot.tier)
    for mine in {1, max(alone - 1, 1)}:
        missing = least - mine * unit_minor
        if missing <= 0 or mine > MOST_UNITS:
            continue
        fits = []
        for units in (1, 2, 3, 5, 10):
            at = bisect_left(shelf, (-(-missing // units), ""))
            fits += [(units * price - missing, units, code) for price, code in shelf[at : at + 2] if code != sku]
        for _over, units, code in sorted(fits)[:2]:
            yield ((sku, mine), (code, units))


def _sets(larder: Larder, number: int, benefit: SetOffer, spot: Spot) -> Iterator[Basket]:
    sku = spot.sku
    own = {good.sku: good for good in larder.goods[number]}.get(sku)
    for place, part in enumerate(benefit.parts):
        if own is None or not covers(part.scope, own):
            continue
        for end in (0, -1):
            basket = {sku: part.qty}
            for other_place, other in enumerate(benefit.parts):
                if other_place == place:
                    continue
                fit = larder.ends(number, spot.channel, spot.tier, other.scope, sku)
                chosen = fit[end] if fit else sku
                basket[chosen] = basket.get(chosen, 0) + other.qty
            yield tuple(basket.items())


def amounts(rule: Rule) -> list[int]:
    """The thresholds of a rule in minor units, each once, the smallest first."""
    found = {rule.conditions.min_minor}
    if isinstance(rule.benefit, Steps) and rule.benefit.by == "amount":
        found |= {step.at_least for step in rule.benefit.steps}
    return sorted(found - {0})


def counts(rule: Rule) -> list[int]:
    """The thresholds of a rule in units, each once, the smallest first."""
    benefit, found = rule.benefit, {rule.conditions.min_qty}
    if isinstance(benefit, Steps) and benefit.by == "qty":
        found |= {step.at_least for step in benefit.steps}
    elif isinstance(benefit, BuyGet) and benefit.of is None:
        found.add(benefit.buy + benefit.get)
    elif isinstance(benefit, NForPrice | NthItem):
        found.add(benefit.n)
    return sorted(found - {0})
