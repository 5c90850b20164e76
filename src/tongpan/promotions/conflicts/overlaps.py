"""Campaigns that run at the same time in the same channels: what they share, and whether their offers go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from tongpan.promotions.conflicts.facts import CampaignFacts, Good
from tongpan.promotions.conflicts.reach import reach_of
from tongpan.promotions.engine.rules import Gifts, Rule, Rulebook, Shipping


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two campaigns during [starts, ends). skus: goods that offers of both reach, in channels of both.

    same_audience: some buyer may use offers of both. apart: pairs of rule codes that do not go together on those
    goods; together: pairs that stack.
    """

    one: str
    two: str
    starts: datetime
    ends: datetime
    channels: tuple[str, ...]
    skus: int
    same_audience: bool
    apart: tuple[tuple[str, str], ...]
    together: tuple[tuple[str, str], ...]


def overlaps_of(book: Rulebook, campaigns: Sequence[CampaignFacts], goods: Sequence[Good]) -> list[Overlap]:
    """Every pair of ``campaigns`` with a moment and a channel in common, the earliest first."""
    rules = [rule for rule in book.rules if not isinstance(rule.benefit, Gifts | Shipping)]
    reach = reach_of(rules, goods)
    places = {rule.code: number for number, rule in enumerate(rules)}
    found = []
    for one, two in combinations(sorted(campaigns, key=lambda each: (each.starts, each.code)), 2):
        channels = tuple(channel for channel in one.channels if channel in two.channels)
        starts, ends = max(one.starts, two.starts), min(one.ends, two.ends)
        if starts >= ends or not channels:
            continue
        mine, theirs = (_of(rules, each.code, channels) for each in (one, two))
        pairs = []
        shared: set[str] = set()
        for a in mine:
            reached = {good.sku for good in reach.goods[places[a.code]]}
            for b in theirs:
                both = reached & {good.sku for good in reach.goods[places[b.code]]}
                if both:
                    shared |= both
                    pairs.append((a, b))
        found.append(
            Overlap(
                one.code,
                two.code,
                starts,
                ends,
                channels,
                len(shared),
                any(_same_buyers(a, b) for a, b in pairs),
                tuple((a.code, b.code) for a, b in pairs if not _may_meet(book, a, b) and _same_buyers(a, b)),
                tuple((a.code, b.code) for a, b in pairs if _may_meet(book, a, b) and _same_buyers(a, b)),
            )
        )
    return found


def _of(rules: Sequence[Rule], campaign: str, channels: Sequence[str]) -> list[Rule]:
    return [
        rule
        for rule in rules
        if rule.campaign == campaign
        and (not rule.conditions.channels or not rule.conditions.channels.isdisjoint(channels))
    ]


def _may_meet(book: Rulebook, one: Rule, two: Rule) -> bool:
    return frozenset((one.group, two.group)) in book.stack


def _same_buyers(one: Rule, two: Rule) -> bool:
    """Whether one buyer may be as both rules ask."""
    a, b = one.conditions, two.conditions
    both_tiers = not a.tiers or not b.tiers or bool(a.tiers & b.tiers)
    members = {True if one.kind == "member_price" else a.is_member, True if two.kind == "member_price" else b.is_member}
    news = {True if one.kind == "first_order" else a.is_new, True if two.kind == "first_order" else b.is_new}
    shut = bool(a.segments and a.segments <= b.not_segments) or bool(b.segments and b.segments <= a.not_segments)
    return both_tiers and not shut and not {True, False} <= members and not {True, False} <= news
