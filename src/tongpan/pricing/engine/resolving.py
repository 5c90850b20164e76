"""Which price of which list a buyer is asked, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

PUBLIC = ("guide", "channel", "region", "quantity", "seasonal", "dynamic")
"""Kinds of lists for everybody: the list price of a channel is the same for all its users (X-33)."""
EXCLUSIVE = ("tier", "member", "live", "community")
"""Kinds of lists for the buyers of a scope only. They never make a price dearer."""
KINDS = PUBLIC + EXCLUSIVE
SCOPES = frozenset({"live", "community", "member"})
"""What a cart may say of where it was filled: in a live room, in a community group, by a member."""
PRIORITIES = {
    "guide": 10,
    "channel": 20,
    "quantity": 30,
    "region": 40,
    "seasonal": 50,
    "dynamic": 60,
    "tier": 70,
    "member": 70,
    "community": 80,
    "live": 90,
}
"""The priority of a list that was given none."""


class ListRef(NamedTuple):
    """A price list, as far as prices are found by it; "" in channel, tier or region means every one."""

    code: str
    kind: str
    priority: int
    currency: str
    channel: str = ""
    tier: str = ""
    region: str = ""

    @property
    def is_exclusive(self) -> bool:
        return self.kind in EXCLUSIVE

    @property
    def narrowness(self) -> int:
        return (self.channel != "") + (self.tier != "") + (self.region != "")


class Offer(NamedTuple):
    """What a list asks for one unit from ``min_qty`` units on, in minor units of the list's currency."""

    list: ListRef
    min_qty: int
    amount_minor: int


class Ask(NamedTuple):
    """Who asks for how much. region: a province in its full spelling. scopes: of ``SCOPES``."""

    channel: str
    currency: str
    tier: str = ""
    region: str = ""
    qty: int = 1
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit. public_minor: what everybody is asked; None when only a scope has a price."""

    amount_minor: int
    list_code: str
    kind: str
    currency: str
    min_qty: int
    public_minor: int | None

    @property
    def is_exclusive(self) -> bool:
        return self.kind in EXCLUSIVE


@dataclass(frozen=True, slots=True)
class Considered:
    """One offer that was looked at. reason: chosen, or why not.

    chosen, other_channel, other_region, other_tier, not_live, not_community, not_member, other_currency, too_few
    (fewer units than ``min_qty``), more_units (a step for more units counts), lower_priority (another list for
    everybody counts, or an exclusive price is lower), not_below_public, dearer (another exclusive price is lower).
    """

    offer: Offer
    reason: str


def resolve(offers: Iterable[Offer], ask: Ask) -> Price | None:
    """The price that counts, or None when no list has one for ``ask``.

    Of the lists for everybody that with the highest priority counts, of two equal ones the narrower, then the first
    by code. An exclusive price counts where it is lower; of several the lowest. Inside a list the step with the
    most units that are reached counts.
    """
    public: Offer | None = None
    exclusive: Offer | None = None
    for offer in offers:
        if offer.min_qty > ask.qty or _out_of_scope(offer.list, ask):
            continue
        if offer.list.kind in EXCLUSIVE:
            if exclusive is None or _exclusive_rank(offer) < _exclusive_rank(exclusive):
                exclusive = offer
        elif public is None or _public_rank(offer) < _public_rank(public):
            public = offer
    chosen = public
    if exclusive is not None and (public is None or exclusive.amount_minor < public.amount_minor):
        chosen = exclusive
    if chosen is None:
        return None
    of = chosen.list
    return Price(
        chosen.amount_minor,
        of.code,
        of.kind,
        of.currency,
        chosen.min_qty,
        public.amount_minor if public is not None else None,
    )


def consider(offers: Iterable[Offer], ask: Ask) -> list[Considered]:
    """Every offer and why it counts or not, the chosen one first; as ``resolve`` chooses."""
    given = list(offers)
    price = resolve(given, ask)
    reached: dict[str, int] = {}
    for offer in given:
        if offer.min_qty <= ask.qty:
            reached[offer.list.code] = max(reached.get(offer.list.code, 0), offer.min_qty)
    found = [Considered(offer, _reason(offer, ask, price, reached)) for offer in given]
    return sorted(found, key=lambda one: (one.reason != "chosen", -one.offer.list.priority, one.offer.list.code))


def _reason(offer: Offer, ask: Ask, price: Price | None, reached: dict[str, int]) -> str:
    if reason := _out_of_scope(offer.list, ask):
        return reason
    if offer.min_qty > ask.qty:
        return "too_few"
    if offer.min_qty < reached[offer.list.code]:
        return "more_units"
    if price is not None and (offer.list.code, offer.min_qty) == (price.list_code, price.min_qty):
        return "chosen"
    if not offer.list.is_exclusive:
        return "lower_priority"
    return "dearer" if price is not None and price.is_exclusive else "not_below_public"


def _public_rank(offer: Offer) -> tuple[int, int, str, int]:
    return (-offer.list.priority, -offer.list.narrowness, offer.list.code, -offer.min_qty)


def _exclusive_rank(offer: Offer) -> tuple[int, int, str, int]:
    return (offer.amount_minor, -offer.list.priority, offer.list.code, -offer.min_qty)


def _out_of_scope(of: ListRef, ask: Ask) -> str:
    """Why the list is not for ``ask``; "" when it is."""
    if of.currency != ask.currency:
        return "other_currency"
    if of.channel and of.channel != ask.channel:
        return "other_channel"
    if of.region and of.region != ask.region:
        return "other_region"
    if of.tier and of.tier != ask.tier:
        return "other_tier"
    if of.kind == "live" and "live" not in ask.scopes:
        return "not_live"
    if of.kind == "community" and "community" not in ask.scopes:
        return "not_community"
    if of.kind == "member" and not ask.tier and "member" not in ask.scopes:
        return "not_member"
    return ""
