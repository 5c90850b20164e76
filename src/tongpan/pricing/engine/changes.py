"""Whether a price may be changed: inside the band, over the floor, or by approval (PRI-02, PRI-03)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tongpan.pricing.engine.bands import PriceSettings, deviation_pct
from tongpan.pricing.engine.resolving import EXCLUSIVE

REFUSE, APPROVE, NOTICE = "refuse", "approve", "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of a price. level: refuse, approve (somebody else must), or notice. sentence: for people."""

    code: str
    level: str
    sentence: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "level": self.level, "sentence": self.sentence, "data": dict(self.data)}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A price and what it is judged by; amounts in minor units, None where nothing is known.

    kind: of its list. low_minor, high_minor: the band, of the list's channel or the narrowest of all channels.
    region_floors: floors of regions that are above the price, by region, where the list is not of a region.
    channels_outside: channels whose price would fall out of the band of a new guide price.
    """

    kind: str
    amount_minor: int
    guide_minor: int | None = None
    low_minor: int | None = None
    high_minor: int | None = None
    floor_minor: int | None = None
    cost_minor: int | None = None
    region_floors: Mapping[str, int] = field(default_factory=dict)
    channels_outside: Sequence[str] = ()


def judge(proposal: Proposal, settings: PriceSettings, show: Any = str) -> list[Finding]:
    """What the rules say of a price, refusals first. show: an amount in minor units as text for sentences.

    The band holds for list prices; prices of a scope (live, community, member, tier) are types of their own, which
    need approval outside it, and are held to it where the band is set to apply to net prices (X-08).
    """
    p = proposal
    found: list[Finding] = []
    if p.floor_minor is not None and p.amount_minor < p.floor_minor:
        found.append(
            Finding(
                "under_floor",
                settings.under_floor,
                f"{show(p.amount_minor)} is under the floor of {show(p.floor_minor)}.",
                {"floor": p.floor_minor},
            )
        )
    if p.kind != "guide" and p.guide_minor is None:
        found.append(Finding("no_guide", NOTICE, "There is no guide price to hold it against; set one."))
    if p.kind != "guide" and p.guide_minor is not None and p.low_minor is not None and p.high_minor is not None:
        is_inside = p.low_minor <= p.amount_minor <= p.high_minor
        if not is_inside:
            is_type = p.kind in EXCLUSIVE and settings.band_applies_to == "list"
            found.append(
                Finding(
                    "outside_band",
                    APPROVE if is_type else settings.outside_band,
                    f"{show(p.amount_minor)} is {deviation_pct(p.amount_minor, p.guide_minor):+f}% off the guide price "
                    f"and outside the band from {show(p.low_minor)} to {show(p.high_minor)}.",
                    {"low": p.low_minor, "high": p.high_minor, "guide": p.guide_minor},
                )
            )
    if p.cost_minor is not None and p.amount_minor < p.cost_minor:
        found.append(
            Finding(
                "under_cost",
                APPROVE,
                f"{show(p.amount_minor)} is under the cost of {show(p.cost_minor)}.",
                {"cost": p.cost_minor},
            )
        )
    if p.region_floors:
        names = ", ".join(f"{region} {show(floor)}" for region, floor in sorted(p.region_floors.items()))
        found.append(
            Finding("under_region_floor", NOTICE, f"It is under the floor of regions: {names}.", dict(p.region_floors))
        )
    if p.channels_outside:
        names = ", ".join(p.channels_outside)
        found.append(
            Finding(
                "channels_outside",
                NOTICE,
                f"Prices of these channels would lie outside the band of the new guide price: {names}.",
                {"channels": list(p.channels_outside)},
            )
        )
    order = (REFUSE, APPROVE, NOTICE)
    return sorted(found, key=lambda one: order.index(one.level))


def outcome_of(findings: Sequence[Finding]) -> str:
    """applied, pending or refused."""
    levels = {finding.level for finding in findings}
    return "refused" if REFUSE in levels else "pending" if APPROVE in levels else "applied"
