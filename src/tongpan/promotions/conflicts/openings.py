"""A cart in which a rule really applies: what the parts of the check that look at rules prove their findings with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tongpan.promotions.conflicts.carts import Spot, baskets
from tongpan.promotions.conflicts.pricer import Case, applied_to
from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.conflicts.workshop import Stage, Workshop
from tongpan.promotions.engine.results import Result

TRIED_STAGES = 4
TRIED_GOODS = 5
TRIED_BASKETS = 16


def opening(shop: Workshop, number: int, channels: Sequence[str] = ()) -> tuple[Case, Result] | None:
    """The first cart found in which the rule applies, in one of ``channels`` (none: any); None when none is found."""
    for case in opening_cases(shop, number, channels):
        if shop.pricer.is_spent:
            return None
        result = shop.pricer.price(case)
        if shop.rules[number].code in applied_to(result):
            return case, result
    return None


def opening_cases(shop: Workshop, number: int, channels: Sequence[str] = ()) -> Iterator[Case]:
    """Carts that should open a rule: its coupon is shown, its thresholds are just reached."""
    rule = shop.rules[number]
    coupons = (rule.code,) if rule.is_opened else ()
    for channel in channels or shop.channels:
        stages = [stage for stage in shop.stages(channel) if stage.mask >> number & 1]
        # The fewer others count beside it, the surer it applies.
        for stage in sorted(stages, key=lambda one: one.mask.bit_count())[:TRIED_STAGES]:
            for sku in some_goods(shop, number, channel, stage.buyer.tier):
                for basket in stage_baskets(shop, stage, sku, 1 << number):
                    yield Case(channel, stage.buyer, stage.scene.at, basket, coupons)


def some_goods(shop: Workshop, number: int, channel: str, tier: str) -> list[str]:
    """A few goods of a rule that a channel sells, from the cheapest to the dearest."""
    shelf = shop.larder.shelf(number, channel, tier)
    if len(shelf) <= TRIED_GOODS:
        return [sku for _price, sku in shelf]
    return [shelf[place * (len(shelf) - 1) // (TRIED_GOODS - 1)][1] for place in range(TRIED_GOODS)]


def stage_baskets(shop: Workshop, stage: Stage, sku: str, mask: int) -> list[tuple[tuple[str, int], ...]]:
    """Carts with ``sku`` that rules of ``mask`` may open for the buyer of ``stage``, all of them sold there."""
    channel, tier = stage.scene.channel, stage.buyer.tier
    unit = shop.market.price(channel, tier, sku)
    if unit is None:
        return []
    found = baskets(shop.larder, mask, Spot(channel, tier, sku, unit))[:TRIED_BASKETS]
    return [basket for basket in found if all(shop.market.price(channel, tier, code) is not None for code, _ in basket)]


def coupons_of(shop: Workshop, mask: int) -> list[str]:
    """Codes of the rules of ``mask`` that a coupon opens, valuations of traded-in goods aside."""
    found = [shop.rules[number] for number in bits(mask)]
    return [rule.code for rule in found if rule.is_opened and rule.kind != "trade_in"]
