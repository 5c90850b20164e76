"""Which rules reach which goods, as bits, so that goods that the same rules reach are looked at together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tongpan.promotions.conflicts.facts import Good
from tongpan.promotions.engine.rules import BuyGet, Rule, Scope, SetOffer


def covers(scope: Scope, good: Good) -> bool:
    """Whether ``good`` may be one of the goods of ``scope``: in some channel, for tags may differ by channel."""
    named = (
        scope.is_all
        or good.sku in scope.skus
        or good.product in scope.products
        or bool(scope.tags and not scope.tags.isdisjoint(good.all_tags()))
        or not scope.categories.isdisjoint(good.categories)
    )
    return named and not (scope.but is not None and not scope.but.tags and covers(scope.but, good))


def scopes_of(rule: Rule) -> tuple[Scope, ...]:
    """Every scope whose goods ``rule`` may make cheaper."""
    if isinstance(rule.benefit, SetOffer):
        return tuple(part.scope for part in rule.benefit.parts)
    if isinstance(rule.benefit, BuyGet) and rule.benefit.of is not None:
        return (rule.scope, rule.benefit.of)
    return (rule.scope,)


@dataclass(frozen=True, slots=True)
class Reach:
    """masks: SKU → the rules that may touch it. goods: place of a rule → its goods, in their order."""

    masks: dict[str, int]
    goods: tuple[tuple[Good, ...], ...]


def reach_of(rules: Sequence[Rule], goods: Sequence[Good]) -> Reach:
    """Which of ``rules`` reach which of ``goods``."""
    masks = dict.fromkeys((good.sku for good in goods), 0)
    reached = []
    for number, rule in enumerate(rules):
        scopes, bit = scopes_of(rule), 1 << number
        found = goods if any(one.is_all and one.but is None for one in scopes) else _reached(scopes, goods)
        for good in found:
            masks[good.sku] |= bit
        reached.append(tuple(found))
    return Reach(masks, tuple(reached))


def bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _reached(scopes: Sequence[Scope], goods: Sequence[Good]) -> list[Good]:
    return [good for good in goods if any(covers(scope, good) for scope in scopes)]
