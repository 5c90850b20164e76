"""Pricing carts of the search: every counter-example goes through ``evaluate``, as a cart of a customer would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tongpan.promotions.conflicts.facts import Good, Market
from tongpan.promotions.conflicts.findings import Example, PricedLine
from tongpan.promotions.conflicts.scenes import Buyer
from tongpan.promotions.engine.book import Book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate
from tongpan.promotions.engine.results import Result

Basket = tuple[tuple[str, int], ...]
"""(SKU, qty) each, every SKU once."""


class Case(NamedTuple):
    """A cart to be priced. coupons: codes of the rules whose coupons are shown."""

    channel: str
    buyer: Buyer
    at: datetime
    basket: Basket
    coupons: tuple[str, ...] = ()


@dataclass(slots=True)
class Pricer:
    """Prices cases and counts them. most: how many may be priced; ``is_spent`` says when that many were."""

    book: Book
    market: Market
    most: int
    count: int = 0
    goods: Mapping[str, Good] = field(default_factory=dict)
    _known: dict[Case, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.goods = {good.sku: good for good in self.market.goods}

    @property
    def is_spent(self) -> bool:
        return self.count >= self.most

    def price(self, case: Case) -> Result:
        """The case as ``evaluate`` prices it, without least net prices."""
        known = self._known.get(case)
        if known is None:
            self.count += 1
            if len(self._known) > 5_000:
                self._known.clear()
            known = self._known[case] = evaluate(self.book, *self._asked(case), at=case.at)
        return known

    def sells(self, case: Case) -> bool:
        """Whether the channel sells everything in the basket."""
        return all(self.market.price(case.channel, case.buyer.tier, sku) is not None for sku, _qty in case.basket)

    def _asked(self, case: Case) -> tuple[Cart, Customer]:
        buyer = case.buyer
        lines = []
        for number, (sku, qty) in enumerate(case.basket, 1):
            good = self.goods[sku]
            unit = self.market.price(case.channel, buyer.tier, sku)
            if unit is None:
                raise KeyError(f"{case.channel} does not sell {sku}.")
            lines.append(
                Line(number, sku, qty, unit, 0, None, good.product, good.categories, good.tags_in(case.channel))
            )
        cart = Cart(
            tuple(lines),
            case.channel,
            self.market.currency,
            buyer.shop,
            buyer.node,
            buyer.region,
            buyer.source,
            buyer.payment,
            0,
            tuple(Coupon(f"COUPON-{rule}", rule) for rule in case.coupons),
        )
        return cart, Customer("", buyer.tier, buyer.segments, buyer.is_member, buyer.is_new)


def applied_to(result: Result, line: int = 0) -> dict[str, int]:
    """Rule → what it took off the line, or with line 0 off all lines; rules with gifts too, in no order of lanes."""
    found: dict[str, int] = defaultdict(int)
    for share in result.discounts:
        if line in (0, share.line):
            found[share.rule] += share.amount_minor
    if line == 0:
        for gift in result.gifts:
            found[gift.rule] += 0
    return dict(found)


def example(case: Case, result: Result) -> Example:
    """The case as a counter-example, with what it came to."""
    lines = tuple(
        PricedLine(sku, qty, line.amount_minor // qty, line.net_minor)
        for (sku, qty), line in zip(case.basket, result.lines, strict=True)
    )
    buyer = case.buyer
    return Example(
        channel=case.channel,
        at=case.at,
        lines=lines,
        applied=dict(sorted(applied_to(result).items())),
        total_minor=result.total_minor,
        tier=buyer.tier,
        segments=tuple(sorted(buyer.segments)),
        is_new=buyer.is_new,
        is_member=buyer.is_member,
        shop=buyer.shop,
        node=buyer.node,
        region=buyer.region,
        source=buyer.source,
        payment=buyer.payment,
        coupons=case.coupons,
        shipping_minor=result.shipping_minor,
    )


def coupon_sets(codes: Sequence[str], pairs: Iterable[frozenset[str]]) -> list[tuple[str, ...]]:
    """Coupons worth showing together: all subsets of up to three; of more none, each, pairs that may meet, and all.

    pairs: pairs of codes that the stack matrix lets meet.
    """
    if len(codes) <= 3:
        return [tuple(code for n, code in enumerate(codes) if bit >> n & 1) for bit in range(2 ** len(codes))]
    met = set(pairs)
    twos = [(a, b) for n, a in enumerate(codes) for b in codes[n + 1 :] if frozenset((a, b)) in met]
    return [(), *((code,) for code in codes), *twos, tuple(codes)]
