"""When and for whom the same rules count: time cut at every border, buyers told apart by what rules ask of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tongpan.promotions.engine.rules import Conditions, Hours, Rule, Window

Span = tuple[datetime, datetime]
ALL_BUYERS = 64
"""As many kinds of buyer are told apart one by one; of more, those that the rules name."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One channel from ``at`` on, while the rules of ``mask`` (bit = place in the rulebook) are open there."""

    channel: str
    at: datetime
    mask: int


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, and where in the channel."""

    tier: str = ""
    segments: frozenset[str] = frozenset()
    is_member: bool = False
    is_new: bool = False
    shop: str = ""
    node: str = ""
    region: str = ""
    source: str = ""
    payment: str = ""


NOBODY = Buyer()


def spans(window: Window, start: datetime, end: datetime) -> list[Span]:
    """The half-open spans of [start, end) in which ``window`` is open, in order and not touching."""
    begin = max(start, window.starts_at) if window.starts_at else start
    stop = min(end, window.ends_at) if window.ends_at else end
    if begin >= stop:
        return []
    if not window.weekly and not window.dates:
        return [(begin, stop)]
    zone = ZoneInfo(window.zone)
    found: list[Span] = []
    day, last = begin.astimezone(zone).date() - timedelta(days=1), stop.astimezone(zone).date()
    while window.weekly and day <= last:
        for weekly in window.weekly:
            if day.isoweekday() in weekly.days:
                found.append(_hours(day, weekly.hours, zone))
        day += timedelta(days=1)
    found += [_hours(day, hours, zone) for day, hours in window.dates]
    return _joined((max(one, begin), min(two, stop)) for one, two in sorted(found))


def scenes(rules: Sequence[Rule], channels: Iterable[str], start: datetime, end: datetime) -> list[Scene]:
    """Every set of rules that is open at one moment of [start, end), once for each channel, at its first moment."""
    reach = {channel: channel_mask(rules, channel) for channel in channels}
    seen: dict[tuple[str, int], datetime] = {}
    for at, live in _stretches(rules, start, end):
        for channel, mask in reach.items():
            seen.setdefault((channel, live & mask), at)
    return [Scene(channel, moment, mask) for (channel, mask), moment in seen.items()]


def joint_moments(
    rules: Sequence[Rule], channels: Iterable[str], start: datetime, end: datetime
) -> list[tuple[datetime, int]]:
    """Every set of rules of several channels together that is open at one moment, at its first moment."""
    reach = 0
    for channel in channels:
        reach |= channel_mask(rules, channel)
    seen: dict[int, datetime] = {}
    for at, live in _stretches(rules, start, end):
        seen.setdefault(live & reach, at)
    return [(at, mask) for mask, at in seen.items()]


def _stretches(rules: Sequence[Rule], start: datetime, end: datetime) -> Iterator[tuple[datetime, int]]:
    """The moments of [start, end) at which rules open or close, and the rules that are open from there on."""
    events: list[tuple[datetime, int, int]] = []
    for number, rule in enumerate(rules):
        for begin, stop in spans(rule.window, start, end):
            events += [(begin, number, 1), (stop, number, 0)]
    events.sort()
    live, at, place = 0, start, 0
    while at < end:
        while place < len(events) and events[place][0] <= at:
            _at, number, opens = events[place]
            live = live | 1 << number if opens else live & ~(1 << number)
            place += 1
        yield at, live
        if place == len(events):
            return
        at = events[place][0]


def channel_mask(rules: Sequence[Rule], channel: str) -> int:
    """The rules that may count in ``channel``, as bits."""
    return sum(
        1 << number
        for number, rule in enumerate(rules)
        if not rule.conditions.channels or channel in rule.conditions.channels
    )


def may_use(rule: Rule, buyer: Buyer) -> bool:
    """Whether cart and customer of ``buyer`` are as ``rule`` asks, thresholds, coupons and time aside."""
    conditions = rule.conditions
    if (rule.kind == "member_price" and not buyer.is_member) or (rule.kind == "first_order" and not buyer.is_new):
        return False
    return (
        (not conditions.shops or buyer.shop in conditions.shops)
        and (not conditions.nodes or buyer.node in conditions.nodes)
        and (not conditions.regions or buyer.region in conditions.regions)
        and buyer.region not in conditions.not_regions
        and (not conditions.sources or buyer.source in conditions.sources)
        and (not conditions.payments or buyer.payment in conditions.payments)
        and (not conditions.tiers or buyer.tier in conditions.tiers)
        and (not conditions.segments or not conditions.segments.isdisjoint(buyer.segments))
        and conditions.not_segments.isdisjoint(buyer.segments)
        and (conditions.is_member is None or conditions.is_member == buyer.is_member)
        and (conditions.is_new is None or conditions.is_new == buyer.is_new)
    )


def buyers(rules: Sequence[Rule], tiers: Sequence[str]) -> tuple[list[Buyer], bool]:
    """Buyers that the rules tell apart, one for each tier and set of rules one can have; whether all are there.

    All combinations of what the conditions name are gone through while there are at most ``ALL_BUYERS``; of more, the
    buyers that one rule or several rules together ask for.
    """
    asked = [_asked_by(rule) for rule in rules]
    named = {
        "tier": {"", *tiers, *_all(one.tiers for one in asked)},
        "shop": {"", *_all(one.shops for one in asked)},
        "node": {"", *_all(one.nodes for one in asked)},
        "region": {"", *_all(one.regions | one.not_regions for one in asked)},
        "source": {"", *_all(one.sources for one in asked)},
        "payment": {"", *_all(one.payments for one in asked)},
    }
    segments = sorted(_all(one.segments | one.not_segments for one in asked))
    news = [False, True] if any(one.is_new is not None for one in asked) else [False]
    members = [False, True] if any(one.is_member is not None for one in asked) else [False]
    count = len(news) * len(members) * 2 ** len(segments)
    for values in named.values():
        count *= len(values)
    if count <= ALL_BUYERS:
        groups = [frozenset(some) for n in range(len(segments) + 1) for some in itertools.combinations(segments, n)]
        found = [
            Buyer(tier, some, is_member or bool(tier), is_new, shop, node, region, source, payment)
            for tier, shop, node, region, source, payment in itertools.product(*map(sorted, named.values()))
            for some in groups
            for is_member in members
            for is_new in news
        ]
        return _distinct(found, rules), True
    wishes = [Buyer(tier=tier, is_member=bool(tier)) for tier in sorted(named["tier"])]
    for one in asked:
        wish = _asked(one)
        wishes += [wish, *filter(None, (_both(other, wish) for other in wishes[:ALL_BUYERS]))]
    return _distinct(wishes, rules)[:ALL_BUYERS], False


def _distinct(found: Iterable[Buyer], rules: Sequence[Rule]) -> list[Buyer]:
    kept: dict[tuple[str, int], Buyer] = {}
    for buyer in found:
        mask = sum(1 << n for n, rule in enumerate(rules) if may_use(rule, buyer))
        kept.setdefault((buyer.tier, mask), buyer)
    return list(kept.values())


def _asked_by(rule: Rule) -> Conditions:
    """The conditions of ``rule`` with those that its kind brings along."""
    if rule.kind == "member_price":
        return replace(rule.conditions, is_member=True)
    return replace(rule.conditions, is_new=True) if rule.kind == "first_order" else rule.conditions


def _asked(conditions: Conditions) -> Buyer:
    def first(values: frozenset[str]) -> str:
        return min(values, default="")

    tier = first(conditions.tiers)
    return Buyer(
        tier=tier,
        segments=frozenset(sorted(conditions.segments - conditions.not_segments)[:1]),
        is_member=bool(conditions.is_member) or (bool(tier) and conditions.is_member is not False),
        is_new=bool(conditions.is_new),
        shop=first(conditions.shops),
        node=first(conditions.nodes),
        region=first(conditions.regions - conditions.not_regions),
        source=first(conditions.sources),
        payment=first(conditions.payments),
    )


def _both(one: Buyer, two: Buyer) -> Buyer | None:
    """A buyer like ``one`` and ``two``, or None where they differ."""
    chosen = {}
    for name in ("tier", "shop", "node", "region", "source", "payment"):
        mine, theirs = getattr(one, name), getattr(two, name)
        if mine and theirs and mine != theirs:
            return None
        chosen[name] = mine or theirs
    return replace(
        one,
        segments=one.segments | two.segments,
        is_member=one.is_member or two.is_member,
        is_new=one.is_new or two.is_new,
        **chosen,
    )


def _all(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _hours(day: object, hours: Hours, zone: ZoneInfo) -> Span:
    midnight = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=zone)

    def moment(minute: int) -> datetime:
        extra, rest = divmod(minute, 1440)
        return (midnight + timedelta(days=extra)).replace(hour=rest // 60, minute=rest % 60)

    return moment(hours.from_minute), moment(hours.to_minute)


def _joined(found: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for begin, stop in found:
        if begin >= stop:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((begin, stop))
    return joined
