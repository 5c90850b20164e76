"""How low arithmetic alone lets the net price of a unit sink: what no cart can undercut.

For each rule the most that it can take off one unit, over all carts; for several rules the sum over those that may
meet on a line, one of a lane that chooses. The true minimum is never lower, so what stays above a limit is proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.engine.rules import (
    AmountOff,
    BuyGet,
    NForPrice,
    NthItem,
    PercentOff,
    Rule,
    Rulebook,
    SetOffer,
    Steps,
    UnitPrice,
)

WHOLE = 10_000
"""Basis points of all of it."""
_Near = tuple[int, list[list[int]], list[int]]
"""A rule, and those that may meet it: of each lane that chooses one, and of lanes that take all."""


@dataclass(slots=True)
class Bounds:
    """Lower bounds of net prices under ``book``; what may meet is worked out once for each set of rules.

    dearest: place of a rule → the list price of everything that it asks for together, were it all the dearest.
    """

    book: Rulebook
    dearest: Sequence[int]
    _near: dict[int, list[_Near]] = field(default_factory=dict)
    _running: list[bool] = field(default_factory=list)
    _by_sku: list[bool] = field(default_factory=list)
    _cuts: list[dict[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        running = {lane.code: lane.base == "running" for lane in self.book.lanes}
        self._running = [running[rule.lane] for rule in self.book.rules]
        self._by_sku = [isinstance(rule.benefit, UnitPrice) for rule in self.book.rules]
        self._cuts = [{} for _rule in self.book.rules]

    def lowest(self, mask: int, sku: str, unit_minor: int) -> int:
        """No cart in which only rules of ``mask`` count nets a unit of ``sku`` below this."""
        if not mask:
            return unit_minor
        near = self._near.get(mask)
        if near is None:
            near = self._near[mask] = self._meetings(mask)
        cut = {own: self._cut(own, sku, unit_minor) for own, _choosing, _adding in near}
        most = 0
        for own, choosing, adding in near:
            off = cut[own]
            for lane in choosing:
                off += cut[lane[0]] if len(lane) == 1 else max([cut[n] for n in lane])
            for n in adding:
                off += cut[n]
            most = max(most, off)
        return unit_minor - most if unit_minor > most else 0

    def _cut(self, number: int, sku: str, unit_minor: int) -> int:
        """``deepest``, kept by price where the SKU does not matter."""
        if self._by_sku[number]:
            return deepest(
                self.book.rules[number], sku, unit_minor, self.dearest[number], is_running=self._running[number]
            )
        kept = self._cuts[number]
        found = kept.get(unit_minor)
        if found is None:
            found = kept[unit_minor] = deepest(
                self.book.rules[number], sku, unit_minor, self.dearest[number], is_running=self._running[number]
            )
        return found

    def may_meet(self, one: Rule, two: Rule) -> bool:
        """Whether the stack matrix lets the two rules meet on a line."""
        return frozenset((one.group, two.group)) in self.book.stack

    def _meetings(self, mask: int) -> list[_Near]:
        """For each rule those that may meet it: in lanes that choose one, and in lanes that take all."""
        rules = self.book.rules
        chooser = {lane.code: lane.chooser for lane in self.book.lanes}
        found = []
        for own in bits(mask):
            choosing: dict[str, list[int]] = {}
            adding = []
            for other in bits(mask & ~(1 << own)):
                if not self.may_meet(rules[own], rules[other]):
                    continue
                lane = rules[other].lane
                if chooser[lane] == "all":
                    adding.append(other)
                elif lane != rules[own].lane:
                    choosing.setdefault(lane, []).append(other)
            found.append((own, list(choosing.values()), adding))
        return found


def deepest(rule: Rule, sku: str, unit_minor: int, dearest_minor: int, *, is_running: bool) -> int:
    """The most that ``rule`` can take off one unit whose list price is ``unit_minor``, over all carts, in minor units.

    dearest_minor: what everything that the rule asks for together costs at most at list prices. is_running: the
    rule's lane reckons on what earlier lanes left. One minor unit is added where shares are rounded.
    """
    benefit = rule.benefit
    if isinstance(benefit, PercentOff):
        return min(_up(unit_minor * benefit.percent_bp, WHOLE) + 1, unit_minor)
    if isinstance(benefit, UnitPrice):
        price = benefit.prices.get(sku, benefit.price_minor)
        return max(unit_minor - price, 0) if price is not None else 0
    if isinstance(benefit, AmountOff):
        least = rule.conditions.min_minor if is_running and benefit.per == "order" else 0
        return _share(benefit.amount_minor, unit_minor, least)
    if isinstance(benefit, Steps):
        return _stepped(benefit, unit_minor, is_running)
    if isinstance(benefit, BuyGet | NthItem):
        return _given(benefit, unit_minor, is_running)
    if isinstance(benefit, NForPrice):
        return _set_price(benefit.price_minor, unit_minor, dearest_minor)
    if isinstance(benefit, SetOffer):
        if benefit.amount_minor or not is_running:
            return unit_minor
        if benefit.price_minor is not None:
            return _set_price(benefit.price_minor, unit_minor, dearest_minor)
        return min(_up(unit_minor * benefit.percent_bp, WHOLE) + 1, unit_minor)
    return 0


def _given(benefit: BuyGet | NthItem, unit_minor: int, is_running: bool) -> int:
    """The cheapest units are given, so spread over the set they are at most their part of its units."""
    if isinstance(benefit, NthItem):
        part, units = 1, benefit.n
    elif benefit.of is None and benefit.spread == "set":
        part, units = benefit.get, benefit.buy + benefit.get
    else:
        part, units = 1, 1
    if not is_running:
        return unit_minor
    return min(_up(unit_minor * benefit.percent_bp * part, WHOLE * units) + 1, unit_minor)


def _stepped(benefit: Steps, unit_minor: int, is_running: bool) -> int:
    most = 0
    for step in benefit.steps:
        off = 0
        if step.percent_bp:
            off = _up(unit_minor * step.percent_bp, WHOLE) + 1 if is_running else unit_minor
        if step.amount_minor:
            least = step.at_least if benefit.by == "amount" and is_running else 0
            if benefit.is_repeated:
                off += _up(unit_minor * step.amount_minor, least) + 1 if least else unit_minor
            else:
                off += _share(step.amount_minor, unit_minor, least)
        most = max(most, off)
    return min(most, unit_minor)


def _share(amount_minor: int, unit_minor: int, least_minor: int) -> int:
    """The largest share of a unit in an amount off a total of ``least_minor`` or more."""
    return min(_up(amount_minor * unit_minor, max(least_minor, unit_minor, 1)) + 1, unit_minor)


def _set_price(price_minor: int, unit_minor: int, dearest_minor: int) -> int:
    whole = max(dearest_minor, unit_minor, 1)
    return min(_up(unit_minor * max(whole - price_minor, 0), whole) + 1, unit_minor)


def _up(over: int, under: int) -> int:
    return -(-over // under)
