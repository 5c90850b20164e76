"""Price wars: several sellers undercutting each other on one SKU within a window. Pure.

The offers of a SKU are walked through in time. What a seller asks on a channel holds until it is seen asking something
else. A cut is an offer that is lower than what the same seller asked before and lower than the lowest price of every
other seller at that moment. A war is as many cuts by as many sellers as ``Rules`` says, within its hours, that brought
the lowest price down by its percentage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongpan.pricing.patrol.rules import Rules


@dataclass(frozen=True, slots=True)
class Offer:
    """An effective price that ``seller`` was seen to ask on ``channel``."""

    sku: str
    seller: str
    channel: str
    effective_minor: int
    at: datetime
    observation_id: int


@dataclass(frozen=True, slots=True)
class Cut:
    """``seller`` went from ``from_minor`` to ``to_minor``, under the ``best_minor`` of all others."""

    seller: str
    channel: str
    at: datetime
    from_minor: int
    to_minor: int
    best_minor: int
    observation_id: int


@dataclass(frozen=True, slots=True)
class War:
    """start_minor: the lowest price before the first cut; low_minor: after the last one."""

    sku: str
    cuts: tuple[Cut, ...]
    start_minor: int
    low_minor: int

    @property
    def sellers(self) -> list[str]:
        return sorted({cut.seller for cut in self.cuts})


def wars(offers: Iterable[Offer], rules: Rules, *, now: datetime) -> list[War]:
    """The price wars that go on at ``now``, by SKU. Offers older than the window tell only what was asked before it."""
    by_sku: dict[str, list[Offer]] = {}
    for offer in offers:
        by_sku.setdefault(offer.sku, []).append(offer)
    begins = now - timedelta(hours=rules.war_hours)
    found = []
    for sku in sorted(by_sku):
        told = sorted(by_sku[sku], key=lambda one: (one.at, one.observation_id))
        war = _war(sku, [one for one in told if one.at <= now], rules, begins)
        if war is not None:
            found.append(war)
    return found


def _war(sku: str, offers: Sequence[Offer], rules: Rules, begins: datetime) -> War | None:
    asked: dict[tuple[str, str], int] = {}
    cuts: list[Cut] = []
    start = 0
    for offer in offers:
        key = (offer.seller, offer.channel)
        before = asked.get(key)
        others = [minor for (seller, _), minor in asked.items() if seller != offer.seller]
        if (
            offer.at > begins
            and before is not None
            and others
            and offer.effective_minor < before
            and offer.effective_minor < min(others)
        ):
            if not cuts:
                start = min(asked.values())
            cuts.append(Cut(*key, offer.at, before, offer.effective_minor, min(others), offer.observation_id))
        asked[key] = offer.effective_minor
    if len(cuts) < rules.war_cuts or len({cut.seller for cut in cuts}) < rules.war_sellers:
        return None
    low = cuts[-1].to_minor
    return War(sku, tuple(cuts), start, low) if (start - low) * 100 >= start * rules.war_percent else None
