"""What campaigns promise and the rules do not keep: benefits of one channel only, dates that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tongpan.promotions.conflicts.facts import CampaignFacts
from tongpan.promotions.conflicts.findings import Coverage, Example, Finding, Kind, Search
from tongpan.promotions.conflicts.openings import opening
from tongpan.promotions.conflicts.pricer import applied_to, example
from tongpan.promotions.conflicts.reach import bits
from tongpan.promotions.conflicts.scenes import spans
from tongpan.promotions.conflicts.workshop import Workshop
from tongpan.promotions.engine.rules import Gifts, Rule, Shipping, Window


def search_one_channel(shop: Workshop) -> tuple[list[Finding], Coverage]:
    """Offers of a unified campaign that some of its channels lack, with a cart that has them in one and not another."""
    found: list[Finding] = []
    looked = left = 0
    for number in bits(shop.looked):
        rule = shop.rules[number]
        campaign = shop.campaign(rule.campaign)
        if campaign is None or campaign.discount_mode != "unified":
            continue
        looked += 1
        if missing := _missing(shop, number, rule, campaign):
            if shop.pricer.is_spent:
                left += 1
                continue
            found += _one_channel(shop, number, rule, campaign, missing)
    return found, Coverage(Kind.ONE_CHANNEL, Search.EXHAUSTIVE if not left else Search.BOUNDED, looked, left)


def _missing(shop: Workshop, number: int, rule: Rule, campaign: CampaignFacts) -> list[str]:
    """Channels of the campaign where no offer of the same kind of benefit touches the rule's goods."""
    named = rule.conditions.channels
    if not named:
        return []
    goods = {good.sku for good in shop.reach.goods[number]}
    missing = [channel for channel in campaign.channels if channel not in named and channel in shop.channels]
    for other in range(len(shop.rules)):
        like = shop.rules[other]
        if other == number or like.campaign != rule.campaign or _class(like) != _class(rule):
            continue
        if any(good.sku in goods for good in shop.reach.goods[other]):
            there = like.conditions.channels
            missing = [channel for channel in missing if there and channel not in there]
    return missing


def _class(rule: Rule) -> str:
    if isinstance(rule.benefit, Gifts):
        return "gift"
    return "shipping" if isinstance(rule.benefit, Shipping) else "money"


def _one_channel(
    shop: Workshop, number: int, rule: Rule, campaign: CampaignFacts, missing: list[str]
) -> Iterator[Finding]:
    having = [channel for channel in campaign.channels if channel in rule.conditions.channels]
    opened = opening(shop, number, having)
    if opened is None:
        return
    case, result = opened
    for channel in missing:
        other = case._replace(channel=channel)
        if not shop.pricer.sells(other):
            continue
        elsewhere = shop.pricer.price(other)
        if rule.code in applied_to(elsewhere):
            continue
        params = {"rule": rule.code, "campaign": campaign.code, "having": case.channel, "missing": ", ".join(missing)}
        yield Finding(
            Kind.ONE_CHANNEL,
            (rule.code,),
            (case.channel, *missing),
            (campaign.code,),
            tuple(sku for sku, _qty in case.basket),
            len(shop.reach.goods[number]),
            params,
            (example(case, result), example(other, elsewhere)),
        )
        return


def search_dates(shop: Workshop) -> tuple[list[Finding], Coverage]:
    """Rules that are over, that never open, or that open outside of their campaign. Exhaustive."""
    found: list[Finding] = []
    for number in bits(shop.looked):
        rule = shop.rules[number]
        found += _dates(shop, number, rule)
    return found, Coverage(Kind.DATES, Search.EXHAUSTIVE, shop.looked.bit_count())


def _dates(shop: Workshop, number: int, rule: Rule) -> Iterator[Finding]:
    campaign = shop.campaign(rule.campaign)
    base = {"rule": rule.code, "campaign": rule.campaign}
    own = (rule.campaign,) if rule.campaign else ()
    window = rule.window
    if window.ends_at is not None and window.ends_at <= shop.now:
        yield Finding(
            Kind.DATES, (rule.code,), (), own, params={**base, "why": "over", "ends_at": _text(window.ends_at)}
        )
        return
    if not _opens(shop, window):
        yield Finding(Kind.DATES, (rule.code,), (), own, params={**base, "why": "never"})
        return
    if rule.campaign and campaign is None:
        yield Finding(Kind.DATES, (rule.code,), (), own, params={**base, "why": "unknown_campaign"})
    if campaign is None:
        return
    strange = sorted(rule.conditions.channels - set(campaign.channels))
    if strange:
        yield Finding(
            Kind.DATES,
            (rule.code,),
            tuple(strange),
            own,
            params={**base, "why": "channel", "channels": ", ".join(strange)},
        )
    outside = _outside(shop, window, campaign)
    if outside is not None:
        opened = opening(shop, number)
        examples: tuple[Example, ...] = ()
        if opened is not None:
            case = opened[0]._replace(at=outside)
            result = shop.pricer.price(case)
            if rule.code in applied_to(result):
                examples = (example(case, result),)
        params = {
            **base,
            "why": "outside",
            "at": _text(outside),
            "starts": _text(campaign.starts),
            "ends": _text(campaign.ends),
        }
        yield Finding(Kind.DATES, (rule.code,), (), own, params=params, examples=examples)


def _opens(shop: Workshop, window: Window) -> bool:
    return bool(spans(window, shop.now, shop.end))


def _outside(shop: Workshop, window: Window, campaign: CampaignFacts) -> datetime | None:
    """The first moment from the start of the check on at which a rule is open and its campaign is not."""
    for begin, stop in spans(window, min(shop.start, campaign.starts), max(shop.end, campaign.ends)):
        if begin < campaign.starts:
            return begin
        if stop > campaign.ends:
            return max(begin, campaign.ends)
    return None


def _text(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
