"""Net prices that sink too low: under the floor, under cost, under a band, deeper than needs no approval.

Arithmetic first proves which SKUs no cart can bring under a limit; the rest is grouped by the rules that count and
searched with carts, the most suspicious first, in turns over the groups until all are tried or the bound is hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tongpan.promotions.conflicts.bounds import WHOLE
from tongpan.promotions.conflicts.carts import Spot, baskets
from tongpan.promotions.conflicts.facts import Good
from tongpan.promotions.conflicts.findings import Coverage, Example, Finding, Kind, Search
from tongpan.promotions.conflicts.pricer import Case, applied_to, coupon_sets, example
from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.conflicts.scenes import Buyer, Scene
from tongpan.promotions.conflicts.workshop import Stage, Workshop

PRICE_KINDS_FOUND = (Kind.FLOOR, Kind.COST, Kind.DEPTH, Kind.BAND)
LEAST_CARTS = 40
"""So many carts at least are priced for a SKU that is tried, however many wait."""
Line = tuple[Kind, int]
"""A limit: a unit that nets less than this many ten-thousandths of a minor unit breaks it."""


@dataclass(slots=True)
class _Group:
    """SKUs of one channel that the same rules reach for the same buyers.

    suspects: (margin, SKU, the limits in doubt), the worst first. is_cut: some SKU was not searched to its end.
    """

    scene: Scene
    buyer: Buyer
    mask: int
    suspects: list[tuple[int, str, tuple[Kind, ...]]] = field(default_factory=list)
    tried: int = 0
    is_cut: bool = False
    hit: dict[Kind, tuple[Kind, str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Found:
    """A finding as it grows: its worst cart so far, with the line that breaks the limit.

    skus: confirmed with a cart of their own. more: those whose bound breaks the limit, and that were not tried.
    """

    example: Example
    sku: str
    net_minor: int
    qty: int
    limit: int
    skus: dict[str, None] = field(default_factory=dict)
    more: set[str] = field(default_factory=set)


@dataclass(slots=True)
class PriceSearch:
    """The outcome. proven: pairs of SKU and channel that arithmetic clears; pairs: all that were looked at."""

    findings: list[Finding]
    coverage: list[Coverage]
    pairs: int
    proven: int


def search_prices(shop: Workshop) -> PriceSearch:
    """Every net price that is too low, as one finding for each limit, channel and set of rules."""
    groups, pairs, proven = _suspects(shop)
    found: dict[tuple[Kind, str, tuple[str, ...]], _Found] = {}
    waiting = sorted(groups, key=lambda one: one.suspects[0])
    while waiting and not shop.pricer.is_spent:
        going = []
        for place, group in enumerate(waiting):
            if shop.pricer.is_spent:
                break
            share = (shop.pricer.most - shop.pricer.count) // (len(waiting) - place)
            _try_next(shop, group, found, max(share, LEAST_CARTS))
            if group.tried < min(len(group.suspects), shop.limits.max_skus):
                going.append(group)
        waiting = going
    open_kinds = _count_open(groups, found)
    findings = [_finding(kind, channel, rules, one) for (kind, channel, rules), one in found.items()]
    kinds = [kind for kind in PRICE_KINDS_FOUND if kind is not Kind.BAND or shop.limits.band_applies_to == "net"]
    coverage = [Coverage(kind, Search.BOUNDED, pairs, open_kinds.get(kind, 0)) for kind in kinds]
    return PriceSearch(findings, coverage, pairs, proven)


def limits_of(shop: Workshop, channel: str, good: Good, unit_minor: int) -> list[Line]:
    """What the net price of a unit of ``good`` must not sink under in ``channel``."""
    found: list[Line] = []
    if good.floor_minor:
        found.append((Kind.FLOOR, good.floor_minor * WHOLE))
    if good.cost_minor:
        found.append((Kind.COST, good.cost_minor * WHOLE))
    if shop.limits.max_depth_bp < WHOLE:
        found.append((Kind.DEPTH, unit_minor * (WHOLE - shop.limits.max_depth_bp)))
    if shop.limits.band_applies_to == "net":
        lows = [band[good.sku][0] for band in shop.market.bands.values() if good.sku in band]
        if lows:
            found.append((Kind.BAND, max(lows) * WHOLE))
    return found


def _suspects(shop: Workshop) -> tuple[list[_Group], int, int]:
    """The groups to search, how many pairs of SKU and channel there are, and how many of them are proven."""
    groups: dict[tuple[Stage, int], _Group] = {}
    pairs = proven = 0
    for channel in shop.channels:
        stages = shop.stages(channel)
        ever = 0
        for stage in stages:
            ever |= stage.mask
        for good in shop.goods:
            reach = shop.reach.masks[good.sku]
            prices = {
                tier: price for tier in shop.tiers(channel) if (price := shop.price(channel, tier, good)) is not None
            }
            if not prices:
                continue
            pairs += 1
            lines = {tier: limits_of(shop, channel, good, price) for tier, price in prices.items()}
            if _is_proven(shop, ever & reach, good.sku, prices, lines):
                proven += 1
                continue
            cleared: dict[tuple[str, int], None] = {}
            for tier, mask, stage in shop.distinct(channel, reach):
                # What clears a set of rules clears every part of it.
                if tier not in prices or any(one == tier and mask | wide == wide for one, wide in cleared):
                    continue
                low = shop.bounds.lowest(mask, good.sku, prices[tier]) * WHOLE
                doubts = [(low * WHOLE // max(limit, 1), kind) for kind, limit in lines[tier] if low < limit]
                if not doubts:
                    cleared[tier, mask] = None
                    continue
                key = (stage, mask)
                if key not in groups:
                    groups[key] = _Group(stage.scene, stage.buyer, mask)
                groups[key].suspects.append((min(doubts)[0], good.sku, tuple(kind for _margin, kind in doubts)))
    for group in groups.values():
        group.suspects.sort()
    return list(groups.values()), pairs, proven


def _is_proven(
    shop: Workshop, mask: int, sku: str, prices: Mapping[str, int], lines: Mapping[str, Sequence[Line]]
) -> bool:
    """Whether the rules of ``mask`` cannot break a limit of the SKU at any of its prices."""
    for tier, price in prices.items():
        low = shop.bounds.lowest(mask, sku, price) * WHOLE
        if any(low < limit for _kind, limit in lines[tier]):
            return False
    return True


def _try_next(shop: Workshop, group: _Group, found: dict[tuple[Kind, str, tuple[str, ...]], _Found], most: int) -> None:
    """Search the carts of the next SKU of a group, at most so many."""
    _margin, sku, _doubts = group.suspects[group.tried]
    is_first = group.tried < 3
    stop = shop.pricer.count + most
    group.tried += 1
    channel, buyer = group.scene.channel, group.buyer
    good = shop.pricer.goods[sku]
    unit = shop.sold_at(channel, buyer.tier, sku)
    lines = limits_of(shop, channel, good, unit)
    left = {kind for kind, _limit in lines}
    for case in _cases(shop, group, sku, unit, lines):
        result = shop.pricer.price(case)
        net, qty = result.lines[0].net_minor, case.basket[0][1]
        for kind, limit in lines:
            if net * WHOLE >= limit * qty:
                continue
            left.discard(kind)
            key = (kind, channel, tuple(sorted(applied_to(result, 1))))
            group.hit.setdefault(kind, key)
            known = found.get(key)
            if known is None:
                known = found[key] = _Found(example(case, result), sku, net, qty, limit)
            elif net * known.qty * known.limit < known.net_minor * qty * limit:
                known.example, known.sku, known.net_minor, known.qty, known.limit = (
                    example(case, result), sku, net, qty, limit,
                )  # fmt: skip
            known.skus[sku] = None
        if not left and not is_first:
            return
        if shop.pricer.is_spent or shop.pricer.count >= stop:
            group.is_cut = True
            return


def _cases(shop: Workshop, group: _Group, sku: str, unit: int, lines: Sequence[Line]) -> Iterator[Case]:
    """The carts to price for one SKU: those in which the coupons that are shown leave a limit in doubt."""
    rules = shop.book.rules
    opened = [n for n in bits(group.mask) if rules[n].is_opened]
    free = group.mask & ~sum(1 << n for n in opened)
    codes = {rules[n].code: n for n in opened if rules[n].kind != "trade_in"}
    shown = []
    for coupons in coupon_sets(list(codes), shop.meeting(codes.values())):
        mask = free | sum(1 << codes[code] for code in coupons)
        low = shop.bounds.lowest(mask, sku, unit)
        if any(low * WHOLE < limit for _kind, limit in lines):
            shown.append((low, len(coupons), coupons, mask))
    spot = Spot(group.scene.channel, group.buyer.tier, sku, unit)
    for _low, _count, coupons, mask in sorted(shown):
        for basket in baskets(shop.larder, mask, spot):
            case = Case(group.scene.channel, group.buyer, group.scene.at, basket, coupons)
            if shop.pricer.sells(case):
                yield case


def _count_open(groups: Sequence[_Group], found: Mapping[tuple[Kind, str, tuple[str, ...]], _Found]) -> dict[Kind, int]:
    """Count the SKUs that were not tried: to the finding of their group, and as open."""
    open_kinds: dict[Kind, int] = {}
    for group in groups:
        for _margin, sku, doubts in group.suspects[group.tried :]:
            for kind in doubts:
                if kind in group.hit:
                    found[group.hit[kind]].more.add(sku)
                open_kinds[kind] = open_kinds.get(kind, 0) + 1
        if group.is_cut:
            for kind in {kind for _margin, _sku, doubts in group.suspects[: group.tried] for kind in doubts}:
                open_kinds[kind] = open_kinds.get(kind, 0) + 1
    return open_kinds


def _finding(kind: Kind, channel: str, rules: tuple[str, ...], one: _Found) -> Finding:
    unit = next(line.unit_minor for line in one.example.lines if line.sku == one.sku)
    params = {
        "sku": one.sku,
        "channel": channel,
        "net_minor": one.net_minor // one.qty,
        "limit_minor": -(-one.limit // WHOLE),
        "list_minor": unit,
        "depth_bp": WHOLE - one.net_minor * WHOLE // (unit * one.qty) if unit else 0,
    }
    return Finding(
        kind, rules, (channel,), (), tuple(one.skus), len(one.skus.keys() | one.more), params, (one.example,)
    )
