"""Offers that meet on one line: stacking nobody was told of, offers that shut each other out, campaigns that overlap.

Every pair of rules that count together for some goods is gone through; each finding is proven with a cart in which
both have an effect, or in which one keeps the other away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

from tongpan.promotions.conflicts.findings import Coverage, Finding, Kind, Search
from tongpan.promotions.conflicts.openings import some_goods, stage_baskets
from tongpan.promotions.conflicts.pricer import Case, applied_to, example
from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.conflicts.workshop import Stage, Workshop
from tongpan.promotions.engine.results import Result
from tongpan.promotions.engine.rules import Gifts, Rule, Shipping, UnitPrice

SHUT_OUT = ("excluded", "outdone", "discounted")
TRIED_STAGES = 3
TRIED_CARTS = 40


@dataclass(slots=True)
class _Pair:
    """Two rules that count together. where: stages in which they do, some of them."""

    one: int
    two: int
    where: list[Stage] = field(default_factory=list)


def search_meetings(shop: Workshop) -> tuple[list[Finding], list[Coverage]]:
    """What happens where two rules reach the same goods for the same buyer at the same time in the same channel."""
    found: dict[tuple[Kind, tuple[str, ...]], Finding] = {}
    pairs = _pairs(shop)
    left = 0
    for pair in pairs:
        asked = _question(shop, pair)
        if asked is None:
            continue
        kind, subject = asked
        if (known := found.get((kind, subject))) is not None:
            codes = {*known.rules, shop.rules[pair.one].code, shop.rules[pair.two].code}
            found[(kind, subject)] = replace(known, rules=tuple(sorted(codes)))
            continue
        if shop.pricer.is_spent:
            left += 1
            continue
        if (proof := _proof(shop, pair, kind)) is not None:
            found[(kind, subject)] = _finding(shop, pair, (kind, subject), proof)
    search = Search.EXHAUSTIVE if not left else Search.BOUNDED
    coverage = [Coverage(kind, search, len(pairs), left) for kind in (Kind.STACK, Kind.EXCLUSIVE, Kind.OVERLAP)]
    return list(found.values()), coverage


def _pairs(shop: Workshop) -> list[_Pair]:
    """Pairs of rules that lower prices and count together for some goods, at least one of them looked at."""
    pairs: dict[tuple[int, int], _Pair] = {}
    lowering = sum(1 << n for n, rule in enumerate(shop.rules) if not isinstance(rule.benefit, Gifts | Shipping))
    for channel in shop.channels:
        reaches = {shop.reach.masks[good.sku] & lowering for good in shop.goods}
        for stage in shop.stages(channel):
            for mask in {stage.mask & reach for reach in reaches}:
                for one, two in combinations(bits(mask), 2):
                    if not (shop.looked >> one | shop.looked >> two) & 1:
                        continue
                    pair = pairs.setdefault((one, two), _Pair(one, two))
                    if len(pair.where) < TRIED_STAGES and stage not in pair.where:
                        pair.where.append(stage)
    return [pairs[key] for key in sorted(pairs)]


def _question(shop: Workshop, pair: _Pair) -> tuple[Kind, tuple[str, ...]] | None:
    """What has to be proven of a pair, and about whom: two groups, two rules or two campaigns. None: nothing."""
    one, two = shop.rules[pair.one], shop.rules[pair.two]
    groups = tuple(sorted({one.group, two.group}))
    announced = shop.market.announced
    if shop.bounds.may_meet(one, two):
        is_told = announced is not None and frozenset(groups) in announced.pairs
        return None if is_told else (Kind.STACK, groups)
    is_told = announced is not None and announced.groups.issuperset(groups)
    if one.campaign and two.campaign and one.campaign != two.campaign:
        return None if is_told else (Kind.OVERLAP, tuple(sorted((one.campaign, two.campaign))))
    if isinstance(one.benefit, UnitPrice) and isinstance(two.benefit, UnitPrice) and one.priority == two.priority:
        return Kind.EXCLUSIVE, tuple(sorted((one.code, two.code)))
    if one.group != two.group and not is_told:
        return Kind.EXCLUSIVE, groups
    return None


def _proof(shop: Workshop, pair: _Pair, kind: Kind) -> tuple[Case, Result] | None:
    """A cart in which the two rules stack, or in which one of them keeps the other away."""
    one, two = shop.rules[pair.one], shop.rules[pair.two]
    for tried, case in enumerate(_carts(shop, pair)):
        if tried == TRIED_CARTS or shop.pricer.is_spent:
            return None
        result = shop.pricer.price(case)
        if kind is Kind.STACK:
            if any({one.code, two.code} <= applied_to(result, line.number).keys() for line in result.lines):
                return case, result
        elif _shuts_out(result, one, two) or _shuts_out(result, two, one):
            return case, result
    return None


def _shuts_out(result: Result, winner: Rule, loser: Rule) -> bool:
    if winner.code not in applied_to(result):
        return False
    return any(
        trial.rule == loser.code
        and not trial.applied
        and trial.reason in SHUT_OUT
        and winner.code in str(trial.params.get("rules", ""))
        for trial in result.trials
    )


def _carts(shop: Workshop, pair: _Pair) -> Iterator[Case]:
    both = 1 << pair.one | 1 << pair.two
    coupons = tuple(rule.code for rule in (shop.rules[pair.one], shop.rules[pair.two]) if rule.is_opened)
    for stage in pair.where:
        channel, tier = stage.scene.channel, stage.buyer.tier
        goods = [*some_goods(shop, pair.one, channel, tier), *some_goods(shop, pair.two, channel, tier)]
        shared = [sku for sku in dict.fromkeys(goods) if shop.reach.masks[sku] & both == both]
        if not shared:
            shelf = shop.larder.shelf(pair.one, channel, tier)
            shared = [sku for _price, sku in shelf if shop.reach.masks[sku] & both == both][:3]
        for sku in shared[:4]:
            for basket in stage_baskets(shop, stage, sku, both):
                yield Case(channel, stage.buyer, stage.scene.at, basket, coupons)


def _finding(
    shop: Workshop, pair: _Pair, question: tuple[Kind, tuple[str, ...]], proof: tuple[Case, Result]
) -> Finding:
    (kind, subject), (case, result) = question, proof
    one, two = shop.rules[pair.one], shop.rules[pair.two]
    both = 1 << pair.one | 1 << pair.two
    names = subject if len(subject) == 2 else (subject[0], subject[0])
    params = {
        "one": names[0],
        "two": names[1],
        "channel": case.channel,
        "rule": one.code,
        "other": two.code,
        "of": "groups" if subject == tuple(sorted({one.group, two.group})) else "rules",
    }
    return Finding(
        kind,
        tuple(sorted((one.code, two.code))),
        (case.channel,),
        tuple(sorted({one.campaign, two.campaign} - {""})),
        tuple(sku for sku, _qty in case.basket),
        sum(1 for good in shop.goods if shop.reach.masks[good.sku] & both == both),
        params,
        (example(case, result),),
    )
