"""Whether a rule is open to a cart at all, before its goods are looked at. Pure.

A gate answers None, or why it is shut: a reason and what its sentence names. ``book`` keeps an index that answers the
first kind (window, channel, coupon) without asking each rule; ``explaining`` asks the very same gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from tongpan.promotions.engine.carts import Cart, Customer, Remaining
from tongpan.promotions.engine.rules import Rule, counter
from tongpan.promotions.engine.windows import is_in_hours, local_time

Shut = tuple[str, Mapping[str, object]]


class Moment:
    """The instant of an evaluation, and what day and hour it is in each zone that is asked for."""

    __slots__ = ("_local", "at")

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._local: dict[str, tuple[date, int, int]] = {}

    def local(self, zone_name: str) -> tuple[date, int, int]:
        found = self._local.get(zone_name)
        if found is None:
            found = self._local[zone_name] = local_time(self.at, zone_name)
        return found


Gate = Callable[[Cart, Customer, Moment, Remaining], Shut | None]


def indexed_gates(rule: Rule) -> list[Gate]:
    """Window, channel and coupon: what the index of a book stands for."""
    gates: list[Gate] = []
    starts, ends, channels = rule.window.starts_at, rule.window.ends_at, rule.conditions.channels
    if starts is not None:
        gates.append(lambda _c, _b, moment, _r: ("not_started", {"starts_at": starts}) if moment.at < starts else None)
    if ends is not None:
        gates.append(lambda _c, _b, moment, _r: ("over", {"ends_at": ends}) if moment.at >= ends else None)
    if channels:
        gates.append(
            lambda cart, _b, _m, _r: (
                None if cart.channel in channels else ("channel", {"channels": sorted(channels), "is": cart.channel})
            )
        )
    if rule.is_opened:
        code = rule.code
        gates.append(
            lambda cart, _b, _m, _r: (
                None if any(coupon.rule == code for coupon in cart.coupons) else ("coupon_missing", {})
            )
        )
    return gates


def gates(rule: Rule) -> list[Gate]:
    """All others, in the order in which they are told: hours, place, buyer, limits."""
    return [*_times(rule), *_places(rule), *_buyers(rule), *_limits(rule)]


def _times(rule: Rule) -> list[Gate]:
    window = rule.window
    if not window.weekly and not window.dates:
        return []
    return [
        lambda _c, _b, moment, _r: (
            None if is_in_hours(window, moment.local(window.zone)) else ("not_at_this_time", {"zone": window.zone})
        )
    ]


def _places(rule: Rule) -> list[Gate]:
    c = rule.conditions
    found: list[Gate] = []
    if c.shops:
        found.append(lambda cart, _b, _m, _r: None if cart.shop in c.shops else ("shop", {"shops": sorted(c.shops)}))
    if c.nodes:
        found.append(lambda cart, _b, _m, _r: None if cart.node in c.nodes else ("node", {"nodes": sorted(c.nodes)}))
    if c.regions:
        found.append(
            lambda cart, _b, _m, _r: None if cart.region in c.regions else ("region", {"regions": sorted(c.regions)})
        )
    if c.not_regions:
        found.append(
            lambda cart, _b, _m, _r: ("region_out", {"region": cart.region}) if cart.region in c.not_regions else None
        )
    if c.sources:
        found.append(
            lambda cart, _b, _m, _r: None if cart.source in c.sources else ("source", {"sources": sorted(c.sources)})
        )
    if c.payments:
        found.append(
            lambda cart, _b, _m, _r: (
                None if cart.payment in c.payments else ("payment", {"payments": sorted(c.payments)})
            )
        )
    return found


def _buyers(rule: Rule) -> list[Gate]:
    c = rule.conditions
    found: list[Gate] = []
    wants_member = True if rule.kind == "member_price" else c.is_member
    wants_new = True if rule.kind == "first_order" else c.is_new
    if wants_member is not None:
        found.append(
            lambda _c, buyer, _m, _r: (
                None if buyer.is_member == wants_member else ("member" if wants_member else "not_member", {})
            )
        )
    if c.tiers:
        found.append(
            lambda _c, buyer, _m, _r: (
                None if buyer.tier in c.tiers else ("tier", {"tiers": sorted(c.tiers), "is": buyer.tier})
            )
        )
    if c.segments:
        found.append(
            lambda _c, buyer, _m, _r: (
                ("segment", {"segments": sorted(c.segments)}) if c.segments.isdisjoint(buyer.segments) else None
            )
        )
    if c.not_segments:
        found.append(
            lambda _c, buyer, _m, _r: (
                None
                if c.not_segments.isdisjoint(buyer.segments)
                else ("segment_out", {"segments": sorted(c.not_segments & buyer.segments)})
            )
        )
    if wants_new is not None:
        found.append(
            lambda _c, buyer, _m, _r: (
                None if buyer.is_new == wants_new else ("new_customer" if wants_new else "not_new_customer", {})
            )
        )
    return found


def _limits(rule: Rule) -> list[Gate]:
    limits, code = rule.limits, rule.code
    found: list[Gate] = []
    if (most := limits.uses) is not None:
        key = counter(code, "uses")
        found.append(lambda _c, _b, _m, left: None if left.get(key, most) > 0 else ("uses_spent", {"limit": most}))
    if (daily := limits.uses_per_day) is not None:
        day_key = counter(code, "uses_per_day")
        found.append(lambda _c, _b, _m, left: None if left.get(day_key, daily) > 0 else ("day_spent", {"limit": daily}))
    if (each := limits.uses_per_customer) is not None:
        own = counter(code, "uses_per_customer")
        found.append(
            lambda _c, buyer, _m, left: (
                None
                if left.get(own, each) > 0 and buyer.uses.get(code, 0) < each
                else ("customer_limit", {"limit": each})
            )
        )
    return found
