"""Thresholds that contradict each other: more asked for the same in another channel, more spent and less given.

Every pair of rules and steps is gone through; what contradicts is proven with a cart that lies between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tongpan.promotions.conflicts.findings import Coverage, Finding, Kind, Search
from tongpan.promotions.conflicts.pricer import Case, applied_to, example
from tongpan.promotions.conflicts.scenes import Buyer, spans
from tongpan.promotions.conflicts.workshop import Workshop
from tongpan.promotions.engine.rules import AmountOff, PercentOff, Rule, Steps

Rung = tuple[int, int, int]
"""From so many minor units on: an amount off, or a percentage off in basis points."""
TRIED_GOODS = 400
MOST_UNITS = 60


def rungs(rule: Rule) -> list[Rung]:
    """What a rule takes off from which total on; nothing for rules that are about something else."""
    benefit, least = rule.benefit, rule.conditions.min_minor
    if rule.conditions.min_qty:
        return []
    if isinstance(benefit, AmountOff) and benefit.per == "order":
        return [(least, benefit.amount_minor, 0)]
    if isinstance(benefit, PercentOff):
        return [(least, 0, benefit.percent_bp)]
    if isinstance(benefit, Steps) and benefit.by == "amount":
        return [(max(step.at_least, least), step.amount_minor, step.percent_bp) for step in benefit.steps]
    return []


def search_thresholds(shop: Workshop) -> tuple[list[Finding], list[Coverage]]:
    """Thresholds of two channels against each other, and those of one channel."""
    found: list[Finding] = []
    falling: list[Finding] = []
    pairs = across = 0
    open_pairs = 0
    laddered = [(number, ladder) for number, rule in enumerate(shop.rules) if (ladder := rungs(rule))]
    for number, ladder in laddered:
        for other, others in laddered:
            if number == other or not (shop.looked >> number | shop.looked >> other) & 1:
                continue
            pairs += 1
            if shop.pricer.is_spent:
                open_pairs += 1
                continue
            if (worst := _contradiction(ladder, others)) is not None:
                across += 1
                found += _across(shop, number, other, *worst)
            falling += _falling(shop, number, ladder, other, others)
    coverage = [
        Coverage(Kind.THRESHOLD, Search.EXHAUSTIVE if not open_pairs else Search.BOUNDED, pairs, open_pairs),
        Coverage(Kind.STEPS, Search.BOUNDED, pairs, open_pairs),
    ]
    return found + falling, coverage


def _contradiction(ladder: list[Rung], others: list[Rung]) -> tuple[Rung, Rung] | None:
    """A rung of the first that asks for more than one of the second that gives as much or more."""
    for least, amount, percent in ladder:
        for lower, other_amount, other_percent in others:
            if lower >= least or other_amount < amount or other_percent < percent:
                continue
            if any(t <= lower and a >= other_amount and p >= other_percent for t, a, p in ladder):
                continue
            return (least, amount, percent), (lower, other_amount, other_percent)
    return None


def _across(shop: Workshop, number: int, other: int, strict: Rung, easy: Rung) -> Iterator[Finding]:
    """The finding of two rules of different channels, with the same cart in both."""
    one, two = shop.rules[number], shop.rules[other]
    campaign = shop.campaign(one.campaign)
    if one.campaign and one.campaign == two.campaign and campaign and campaign.discount_mode != "unified":
        return
    at = _common_moment(shop, one, two)
    if at is None:
        return
    mine, theirs = _channels(shop, one), _channels(shop, two)
    for dear in [channel for channel in mine if channel not in theirs]:
        for cheap in [channel for channel in theirs if channel != dear]:
            for buyer in _buyers(shop, number, other, dear, cheap):
                for sku, qty in _between(shop, (number, dear), (other, cheap), buyer, (easy[0], strict[0])):
                    strict_case = Case(dear, buyer, at, ((sku, qty),), _coupon(one))
                    easy_case = Case(cheap, buyer, at, ((sku, qty),), _coupon(two))
                    low, high = shop.pricer.price(easy_case), shop.pricer.price(strict_case)
                    if (
                        two.code in applied_to(low)
                        and one.code not in applied_to(high)
                        and low.total_minor * high.lines[0].amount_minor < high.total_minor * low.lines[0].amount_minor
                    ):
                        params = {
                            "dear": dear,
                            "cheap": cheap,
                            "rule": one.code,
                            "other": two.code,
                            "strict_minor": strict[0],
                            "easy_minor": easy[0],
                            "amount_minor": strict[1],
                            "percent_bp": strict[2],
                            "sku": sku,
                        }
                        both = shop.larder.shelf(number, dear, buyer.tier)
                        yield Finding(
                            Kind.THRESHOLD,
                            tuple(sorted((one.code, two.code))),
                            (cheap, dear),
                            tuple(sorted({one.campaign, two.campaign} - {""})),
                            (sku,),
                            sum(1 for _price, code in both if shop.reach.masks[code] >> other & 1),
                            params,
                            (example(easy_case, low), example(strict_case, high)),
                        )
                        return


def _falling(shop: Workshop, number: int, ladder: list[Rung], other: int, others: list[Rung]) -> Iterator[Finding]:
    """Two rules of one channel of which the one with the higher threshold leaves the buyer with less taken off."""
    one, two = shop.rules[number], shop.rules[other]
    if max(one_rung[0] for one_rung in ladder) >= max(rung[0] for rung in others):
        return
    at = _common_moment(shop, one, two)
    if at is None:
        return
    top = others[-1][0]
    for channel in _channels(shop, one):
        if channel not in _channels(shop, two):
            continue
        for buyer in _buyers(shop, number, other, channel, channel)[:2]:
            for sku, qty in list(_between(shop, (number, channel), (other, channel), buyer, (ladder[-1][0], top)))[:3]:
                unit = shop.market.price(channel, buyer.tier, sku)
                more = -(-top // unit) if unit else 0
                if not qty < more <= MOST_UNITS:
                    continue
                coupons = tuple(sorted({*_coupon(one), *_coupon(two)}))
                few, many = (Case(channel, buyer, at, ((sku, units),), coupons) for units in (qty, more))
                small, large = shop.pricer.price(few), shop.pricer.price(many)
                less, fuller = (sum(share.amount_minor for share in result.discounts) for result in (small, large))
                if fuller < less:
                    params = {
                        "channel": channel,
                        "few": qty,
                        "many": more,
                        "sku": sku,
                        "few_off_minor": less,
                        "many_off_minor": fuller,
                    }
                    rules = tuple(sorted({*applied_to(small), *applied_to(large), one.code, two.code}))
                    yield Finding(
                        Kind.STEPS,
                        rules,
                        (channel,),
                        tuple(sorted({one.campaign, two.campaign} - {""})),
                        (sku,),
                        1,
                        params,
                        (example(few, small), example(many, large)),
                    )
                    return


def _between(
    shop: Workshop, strict: tuple[int, str], easy: tuple[int, str], buyer: Buyer, span: tuple[int, int]
) -> Iterator[tuple[str, int]]:
    """Goods of both rules, and how many units of them come to a total of ``span``.

    strict, easy: (place of the rule, channel); the total reaches the lower end in the channel of ``easy`` and stays
    under the upper end in that of ``strict``.
    """
    (number, dear), (other, cheap), (low, high) = strict, easy, span
    shelf = shop.larder.shelf(number, dear, buyer.tier)
    tried = 0
    for price, sku in shelf:
        if tried == TRIED_GOODS or price >= high:
            return
        tried += 1
        theirs = shop.market.price(cheap, buyer.tier, sku)
        if not theirs or not price or not shop.reach.masks[sku] >> other & 1:
            continue
        qty = max(-(-low // theirs), 1)
        if qty * price < high and qty <= MOST_UNITS:
            yield sku, qty


def _buyers(shop: Workshop, number: int, other: int, dear: str, cheap: str) -> list[Buyer]:
    """Buyers of whom one channel counts the one rule, and the other channel the other."""
    here = [stage.buyer for stage in shop.stages(dear) if stage.mask >> number & 1]
    there = {stage.buyer for stage in shop.stages(cheap) if stage.mask >> other & 1}
    return list(dict.fromkeys(buyer for buyer in here if buyer in there)) or list(dict.fromkeys(here))[:1]


def _common_moment(shop: Workshop, one: Rule, two: Rule) -> datetime | None:
    mine, theirs = (spans(rule.window, shop.start, shop.end) for rule in (one, two))
    starts = [max(a, c) for a, b in mine for c, d in theirs if max(a, c) < min(b, d)]
    return min(starts, default=None)


def _channels(shop: Workshop, rule: Rule) -> list[str]:
    named = rule.conditions.channels
    return [channel for channel in shop.channels if not named or channel in named]


def _coupon(rule: Rule) -> tuple[str, ...]:
    return (rule.code,) if rule.is_opened else ()
