"""Campaigns that promise the same everywhere and do not keep it, and those whose channels drift too far apart.

The same cart is priced in all channels of the campaign, each time with the coupons that make it cheapest there. Goods
for which the same offers count in all of them are proven without a cart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tongpan.promotions.conflicts.carts import Spot, baskets
from tongpan.promotions.conflicts.facts import CampaignFacts
from tongpan.promotions.conflicts.findings import Coverage, Finding, Kind, Search
from tongpan.promotions.conflicts.openings import coupons_of
from tongpan.promotions.conflicts.pricer import Basket, Case, applied_to, coupon_sets, example
from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.conflicts.scenes import Buyer, buyers, channel_mask, joint_moments, may_use
from tongpan.promotions.conflicts.workshop import Workshop
from tongpan.promotions.engine.results import Result

WHOLE = 10_000
UNIFIED = "unified"


@dataclass(slots=True)
class _Group:
    """Goods for which the same rules count in each channel of a campaign."""

    campaign: CampaignFacts
    at: datetime
    buyer: Buyer
    masks: tuple[int, ...]
    skus: list[tuple[int, str]] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Gap:
    """Two channels that lie apart. gap: share of the list price (or of the lower net) in ten-thousandths."""

    finding: Finding
    gap: int
    rules: set[str] = field(default_factory=set)
    skus: dict[str, None] = field(default_factory=dict)
    more: set[str] = field(default_factory=set)


def search_unified(shop: Workshop, campaign: str = "") -> tuple[list[Finding], Coverage]:
    """One finding for each campaign and pair of channels that lie apart, with the cart where they lie apart most."""
    gaps: dict[tuple[str, str, str], _Gap] = {}
    pairs = left = 0
    chosen = [one for one in shop.market.campaigns if campaign in ("", one.code)]
    share = (shop.pricer.most - shop.pricer.count) // max(len(chosen), 1)
    for one in chosen:
        groups, looked = _groups(shop, one)
        pairs += looked
        left += _search(shop, groups, gaps, shop.pricer.count + share)
    findings = [
        replace(
            one.finding, rules=tuple(sorted(one.rules)), skus=tuple(one.skus), sku_count=len(one.skus.keys() | one.more)
        )
        for one in gaps.values()
    ]
    return findings, Coverage(Kind.UNIFIED, Search.BOUNDED, pairs, left)


def _search(shop: Workshop, groups: Sequence[_Group], gaps: dict[tuple[str, str, str], _Gap], stop: int) -> int:
    """Compare goods of all groups in turns until ``stop`` carts were priced; how many goods were left."""
    waiting = [(group, _spread(group.skus, shop.limits.max_skus)) for group in groups]
    hits: list[tuple[_Group, tuple[str, str, str]]] = []
    for turn in range(shop.limits.max_skus):
        for group, skus in waiting:
            if turn < len(skus) and shop.pricer.count < stop:
                group.tried.add(skus[turn])
                for found in _compare(shop, group, skus[turn]):
                    key = (group.campaign.code, found.finding.channels[0], found.finding.channels[1])
                    _keep(gaps, key, found, skus[turn])
                    hits.append((group, key))
    for group, key in hits:
        gaps[key].more.update(sku for _price, sku in group.skus)
    return sum(len(group.skus) - len(group.tried) for group in groups)


def _groups(shop: Workshop, campaign: CampaignFacts) -> tuple[list[_Group], int]:
    channels = [channel for channel in campaign.channels if channel in shop.channels]
    is_judged = campaign.discount_mode == UNIFIED or campaign.tolerance_bp > 0
    own = sum(1 << n for n, rule in enumerate(shop.rules) if rule.campaign == campaign.code)
    if len(channels) < 2 or not own or not is_judged:
        return [], 0
    start, end = max(campaign.starts, shop.start), min(campaign.ends, shop.end)
    may = [channel_mask(shop.rules, channel) for channel in channels]
    ever = sum(1 << n for n, _rule in enumerate(shop.rules) if any(mask >> n & 1 for mask in may))
    people, _is_all = buyers([shop.rules[n] for n in bits(ever)], shop.market.tiers)
    allowed = [sum(1 << n for n in bits(ever) if may_use(shop.rules[n], buyer)) for buyer in people]
    classes = {reach: goods for reach, goods in shop.classes(ever).items() if reach & own}
    shapes = _shapes(shop)
    groups: dict[tuple[str, tuple[int, ...]], _Group] = {}
    looked: set[tuple[str, int, tuple[int, ...]]] = set()
    pairs = 0
    for at, live in joint_moments(shop.rules, channels, start, end):
        for buyer, mine in zip(people, allowed, strict=True):
            wide = live & mine
            if not wide & own:
                continue
            for reach, goods in classes.items():
                masks = tuple(reach & wide & mask for mask in may)
                if not reach & wide & own or (buyer.tier, reach, masks) in looked:
                    continue
                looked.add((buyer.tier, reach, masks))
                pairs += len(goods)
                if campaign.discount_mode == UNIFIED and len({shapes(mask) for mask in masks}) == 1:
                    continue
                key = (buyer.tier, masks)
                if key not in groups:
                    groups[key] = _Group(replace(campaign, channels=tuple(channels)), at, buyer, masks)
                groups[key].skus += [(shop.price(channels[0], buyer.tier, good) or 0, good.sku) for good in goods]
    for group in groups.values():
        group.skus.sort()
    return list(groups.values()), pairs


def _shapes(shop: Workshop) -> Callable[[int], tuple[int, ...]]:
    """Masks → what the rules are without their codes and channels; two masks of one shape give the same discounts."""
    numbers: dict[str, int] = {}
    shapes = []
    for rule in shop.rules:
        conditions = replace(rule.conditions, channels=frozenset())
        told = repr((rule.kind, rule.lane, rule.group, rule.priority, conditions, rule.benefit, rule.is_opened))
        shapes.append(numbers.setdefault(told, len(numbers)))
    known: dict[int, tuple[int, ...]] = {}

    def shape(mask: int) -> tuple[int, ...]:
        found = known.get(mask)
        if found is None:
            found = known[mask] = tuple(sorted(shapes[n] for n in bits(mask)))
        return found

    return shape


def _compare(shop: Workshop, group: _Group, sku: str) -> Iterator[_Gap]:
    """Pairs of channels in which a cart with ``sku`` does not come to the same."""
    tried: dict[Basket, None] = {}
    for channel, mask in zip(group.campaign.channels, group.masks, strict=True):
        unit = shop.market.price(channel, group.buyer.tier, sku)
        if unit is not None:
            tried |= dict.fromkeys(baskets(shop.larder, mask, Spot(channel, group.buyer.tier, sku, unit)))
    for basket in tried:
        best = []
        for channel, mask in zip(group.campaign.channels, group.masks, strict=True):
            if (found := _cheapest(shop, group, channel, mask, basket)) is not None:
                best.append(found)
        if len(best) < 2:
            continue
        low, high = min(best, key=_net_share(group)), max(best, key=_net_share(group))
        gap = _gap(group.campaign, low[1], high[1])
        if gap > 0:
            yield _told(group, sku, low, high, gap)


def _cheapest(shop: Workshop, group: _Group, channel: str, mask: int, basket: Basket) -> tuple[Case, Result] | None:
    """The basket in a channel with the coupons that make it cheapest; None when the channel does not sell it."""
    best: tuple[Case, Result] | None = None
    codes = coupons_of(shop, mask)
    numbers = [n for n in bits(mask) if shop.rules[n].code in codes]
    for coupons in coupon_sets(codes, shop.meeting(numbers)):
        case = Case(channel, group.buyer, group.at, basket, coupons)
        if not shop.pricer.sells(case):
            return None
        result = shop.pricer.price(case)
        if best is None or result.total_minor < best[1].total_minor:
            best = case, result
    return best


def _net_share(group: _Group) -> Callable[[tuple[Case, Result]], tuple[int, str]]:
    def share(one: tuple[Case, Result]) -> tuple[int, str]:
        result = one[1]
        if group.campaign.discount_mode != UNIFIED:
            return result.total_minor * WHOLE * WHOLE, one[0].channel
        return result.total_minor * WHOLE * WHOLE // max(_list(result), 1), one[0].channel

    return share


def _gap(campaign: CampaignFacts, low: Result, high: Result) -> int:
    """By how many ten-thousandths the two lie apart beyond the tolerance; 0 within it and within rounding."""
    if campaign.discount_mode == UNIFIED:
        one, two = _list(low), _list(high)
        apart = high.total_minor * one - low.total_minor * two
        if apart * WHOLE <= campaign.tolerance_bp * one * two + WHOLE * (one + two):
            return 0
        return max(apart * WHOLE // (one * two), 1)
    apart = high.total_minor - low.total_minor
    if apart * WHOLE <= campaign.tolerance_bp * low.total_minor:
        return 0
    return apart * WHOLE // max(low.total_minor, 1)


def _told(group: _Group, sku: str, low: tuple[Case, Result], high: tuple[Case, Result], gap: int) -> _Gap:
    cheap, dear = low[0].channel, high[0].channel
    params = {
        "campaign": group.campaign.code,
        "sku": sku,
        "cheap": cheap,
        "dear": dear,
        "cheap_minor": low[1].total_minor,
        "dear_minor": high[1].total_minor,
        "cheap_bp": WHOLE - low[1].total_minor * WHOLE // max(_list(low[1]), 1),
        "dear_bp": WHOLE - high[1].total_minor * WHOLE // max(_list(high[1]), 1),
        "tolerance_bp": group.campaign.tolerance_bp,
        "mode": group.campaign.discount_mode,
    }
    finding = Finding(
        Kind.UNIFIED, (), (cheap, dear), (group.campaign.code,), (), 0, params, (example(*low), example(*high))
    )
    return _Gap(finding, gap, {*applied_to(low[1]), *applied_to(high[1])})


def _keep(gaps: dict[tuple[str, str, str], _Gap], key: tuple[str, str, str], found: _Gap, sku: str) -> None:
    known = gaps.setdefault(key, found)
    known.skus[sku] = None
    known.rules |= found.rules
    if found.gap > known.gap:
        known.finding, known.gap = found.finding, found.gap


def _spread(skus: Sequence[tuple[int, str]], most: int) -> list[str]:
    """At most so many of ``skus``, evenly over their prices."""
    if len(skus) <= most:
        return [sku for _price, sku in skus]
    return [skus[place * (len(skus) - 1) // (most - 1)][1] for place in range(most)]


def _list(result: Result) -> int:
    return sum(line.amount_minor for line in result.lines)
