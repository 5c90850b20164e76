"""What runs out: budgets, quotas and stock against what is expected to be sold while the rules are open.

The expectation is given (the forecast, or past days); every buyer who is expected counts as using the offer, with the
smallest cart that opens it. So a finding says what happens at worst, and its sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tongpan.promotions.conflicts.findings import Coverage, Finding, Kind, Search
from tongpan.promotions.conflicts.openings import opening
from tongpan.promotions.conflicts.pricer import Case, applied_to, example
from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.conflicts.scenes import spans
from tongpan.promotions.conflicts.workshop import Workshop
from tongpan.promotions.engine.results import Result
from tongpan.promotions.engine.rules import Gifts, Rule

DAY = 86_400
LONGEST = timedelta(days=30)
"""A rule without an end is held against so many days."""


def search_budgets(shop: Workshop) -> tuple[list[Finding], Coverage]:
    """Rules whose uses, units or money would be gone before they end."""
    found: list[Finding] = []
    looked = left = 0
    for number in bits(shop.looked):
        limits = shop.rules[number].limits
        if limits.uses is None and limits.units is None and limits.money_minor is None and limits.uses_per_day is None:
            continue
        looked += 1
        if shop.pricer.is_spent:
            left += 1
        else:
            found += _budget(shop, number)
    return found, Coverage(Kind.BUDGET, Search.EXHAUSTIVE if not left else Search.BOUNDED, looked, left)


def _budget(shop: Workshop, number: int) -> Iterator[Finding]:
    rule = shop.rules[number]
    seconds = _seconds(shop, rule)
    daily = _daily(shop, number)
    if not seconds or not daily:
        return
    opened = opening(shop, number)
    if opened is None:
        return
    case, result = opened
    units = sum(qty for _sku, qty in case.basket)
    demand = daily * seconds // (DAY * 1000)
    orders = demand // units
    off = applied_to(result)[rule.code]
    limits = rule.limits
    for what, limit, need in (
        ("units", limits.units, demand),
        ("uses", limits.uses, orders),
        ("money", limits.money_minor, orders * off),
        ("uses_per_day", limits.uses_per_day, daily // (1000 * units)),
    ):
        if limit is None or need <= limit:
            continue
        is_daily = what == "uses_per_day"
        hours = (DAY if is_daily else seconds) * limit // need // 3600
        params = {
            "rule": rule.code,
            "what": what,
            "limit_minor" if what == "money" else "limit": limit,
            "need_minor" if what == "money" else "need": need,
            "hours": hours,
            "of_hours": 24 if is_daily else seconds // 3600,
        }
        yield Finding(
            Kind.BUDGET,
            (rule.code,),
            _channels(shop, rule),
            (rule.campaign,) if rule.campaign else (),
            (),
            len(shop.reach.goods[number]),
            params,
            (example(case, result),),
        )


def search_stock(shop: Workshop) -> tuple[list[Finding], Coverage]:
    """Goods of which fewer are there than are expected to go while their offers are open, and gifts that run out."""
    found: list[Finding] = []
    campaigns: dict[str, list[int]] = {}
    for number in bits(shop.looked):
        campaigns.setdefault(shop.rules[number].campaign, []).append(number)
        found += _quota(shop, number)
        found += _gifts(shop, number)
    for campaign, numbers in campaigns.items():
        found += _short(shop, campaign, numbers)
    return found, Coverage(Kind.STOCK, Search.EXHAUSTIVE, sum(1 for good in shop.goods if good.stock is not None))


def _short(shop: Workshop, campaign: str, numbers: list[int]) -> Iterator[Finding]:
    """SKUs that run out, of one campaign together; the worst of them as the example."""
    seconds = {number: _seconds(shop, shop.rules[number]) for number in numbers}
    channels = {number: _channels(shop, shop.rules[number]) for number in numbers}
    mask = sum(1 << number for number in numbers)
    short: list[tuple[int, str, int, int]] = []
    for reach, goods in shop.classes(mask).items():
        longest = [
            (expected, max((seconds[n] for n in bits(reach) if channel in channels[n]), default=0))
            for channel, expected in shop.market.expected.items()
        ]
        for good in goods:
            if good.stock is not None:
                need = sum(expected.get(good.sku, 0) * time for expected, time in longest) // (DAY * 1000)
                if need > good.stock:
                    short.append((need - good.stock, good.sku, need, good.stock))
    if not short:
        return
    short.sort(key=lambda one: (-one[0], one[1]))
    _lack, sku, need, stock = short[0]
    priced = _plain_cart(shop, sku)
    params = {"campaign": campaign, "what": "expected", "sku": sku, "need": need, "stock": stock}
    rules = [shop.rules[n].code for n in bits(shop.reach.masks[sku] & mask)]
    yield Finding(
        Kind.STOCK,
        tuple(sorted(rules)),
        (),
        (campaign,) if campaign else (),
        tuple(one[1] for one in short[: shop.limits.max_skus]),
        len(short),
        params,
        (example(*priced),) if priced else (),
    )


def _quota(shop: Workshop, number: int) -> Iterator[Finding]:
    """A quota of units that all goods of the rule together do not have."""
    rule, goods = shop.rules[number], shop.reach.goods[number]
    limit = rule.limits.units
    if limit is None or not goods or any(good.stock is None for good in goods):
        return
    there = sum(good.stock or 0 for good in goods)
    if there < limit:
        opened = opening(shop, number)
        params = {"rule": rule.code, "what": "quota", "need": limit, "stock": there}
        yield Finding(
            Kind.STOCK,
            (rule.code,),
            _channels(shop, rule),
            (rule.campaign,) if rule.campaign else (),
            tuple(good.sku for good in goods[: shop.limits.max_skus]),
            len(goods),
            params,
            (example(*opened),) if opened else (),
        )


def _gifts(shop: Workshop, number: int) -> Iterator[Finding]:
    """Gifts of which fewer are there than orders are expected."""
    rule = shop.rules[number]
    if not isinstance(rule.benefit, Gifts):
        return
    seconds, daily = _seconds(shop, rule), _daily(shop, number)
    stocks = {good.sku: good.stock for good in shop.market.goods}
    opened = opening(shop, number) if seconds and daily else None
    if opened is None:
        return
    orders = daily * seconds // (DAY * 1000) // sum(qty for _sku, qty in opened[0].basket)
    for sku, qty in rule.benefit.gifts:
        stock = stocks.get(sku)
        need = min(orders, rule.limits.uses if rule.limits.uses is not None else orders) * qty
        if stock is not None and need > stock:
            params = {"rule": rule.code, "what": "gift", "sku": sku, "need": need, "stock": stock}
            yield Finding(
                Kind.STOCK,
                (rule.code,),
                _channels(shop, rule),
                (rule.campaign,) if rule.campaign else (),
                (sku,),
                1,
                params,
                (example(*opened),),
            )


def _plain_cart(shop: Workshop, sku: str) -> tuple[Case, Result] | None:
    """One unit, in the first channel that sells it."""
    for channel in shop.channels:
        if shop.market.price(channel, "", sku) is not None:
            stage = shop.stages(channel)[0]
            case = Case(channel, stage.buyer, stage.scene.at, ((sku, 1),))
            if shop.pricer.sells(case):
                return case, shop.pricer.price(case)
    return None


def _seconds(shop: Workshop, rule: Rule) -> int:
    """For how long a rule is open from now on; of one without an end, during the next days."""
    start = max(shop.now, shop.start)
    end = shop.end if rule.window.ends_at is not None else min(shop.end, _from(start, rule) + LONGEST)
    return sum(int((stop - begin).total_seconds()) for begin, stop in spans(rule.window, start, end))


def _from(start: datetime, rule: Rule) -> datetime:
    return max(start, rule.window.starts_at) if rule.window.starts_at else start


def _daily(shop: Workshop, number: int) -> int:
    """Thousandths of units of the rule's goods that its channels are expected to sell on a day."""
    channels = _channels(shop, shop.rules[number])
    return sum(
        shop.market.expected.get(channel, {}).get(good.sku, 0)
        for channel in channels
        for good in shop.reach.goods[number]
    )


def _channels(shop: Workshop, rule: Rule) -> tuple[str, ...]:
    named = rule.conditions.channels
    return tuple(channel for channel in shop.channels if not named or channel in named)
