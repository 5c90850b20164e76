"""A price seen against what the price book says, and what to make of a competitor's. Pure.

All amounts are minor units of one currency; shares are hundredths of a percent (basis points).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tongpan.pricing.patrol.rules import FINDINGS, Rules

MOST_BP = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Standard:
    """What the price book says of a SKU on a channel at one moment; None where it says nothing.

    low, high: the band of the channel, both inside it; band_on_net: it judges the effective price, not the listed one
    (X-08). floor: the least list price; net: the least price after all discounts. price: what the channel itself asks.
    """

    guide: int | None = None
    low: int | None = None
    high: int | None = None
    floor: int | None = None
    net: int | None = None
    cost: int | None = None
    price: int | None = None
    band_on_net: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """code: of rules.FINDINGS. seen_minor is beyond limit_minor."""

    code: str
    seen_minor: int
    limit_minor: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """findings: the worst first. deviation_bp: the effective price against the guide price, None without one."""

    findings: tuple[Finding, ...]
    deviation_bp: int | None

    @property
    def code(self) -> str:
        """The worst finding, "" when there is none."""
        return self.findings[0].code if self.findings else ""


def judge(listed_minor: int, effective_minor: int, standard: Standard, rules: Rules) -> Verdict:
    """Hold a listed and its effective price against ``standard``.

    The effective price must not lie under the least net price, nor under ``warn_percent`` of the guide price; the
    listed one not under the floor; what the band judges must lie within it.
    """
    in_band = effective_minor if standard.band_on_net else listed_minor
    found: list[Finding] = []
    if standard.net is not None and effective_minor < standard.net:
        found.append(Finding("under_floor", effective_minor, standard.net))
    elif standard.floor is not None and listed_minor < standard.floor:
        found.append(Finding("under_floor", listed_minor, standard.floor))
    if standard.low is not None and in_band < standard.low:
        found.append(Finding("under_band", in_band, standard.low))
    if standard.guide is not None and effective_minor * 100 < standard.guide * rules.warn_percent:
        found.append(Finding("deep_discount", effective_minor, -(-standard.guide * rules.warn_percent // 100)))
    if standard.high is not None and in_band > standard.high:
        found.append(Finding("over_band", in_band, standard.high))
    found.sort(key=lambda one: FINDINGS.index(one.code))
    return Verdict(tuple(found), share_bp(effective_minor - standard.guide, standard.guide) if standard.guide else None)


def share_bp(part: int, whole: int) -> int:
    """``part`` of a positive ``whole`` in basis points, rounded half away from zero; at most a hundred-thousandfold."""
    size = min((abs(part) * 20_000 + whole) // (2 * whole), MOST_BP)
    return size if part >= 0 else -size


@dataclass(frozen=True, slots=True)
class Rival:
    """The newest effective price of one competitor's offer that stands against our SKU."""

    seller: str
    channel: str
    effective_minor: int
    observation_id: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposal for one SKU on one channel; nothing is changed by it.

    action: "hold" (near enough), "match" (a price within what the book allows), "promote" (the list price stays, a
    coupon of ``amount_minor`` closes the gap), "differ" (do not follow: it lies under the floor or the cost), "raise".
    amount_minor: the price, or the coupon. reasons: (code, figures) that led there.
    """

    action: str
    amount_minor: int | None
    gap_bp: int
    rival: Rival
    reasons: tuple[tuple[str, dict[str, int]], ...] = field(default=())


def suggest(ours_minor: int, standard: Standard, rivals: Sequence[Rival], rules: Rules) -> Suggestion | None:
    """What to do about the lowest of ``rivals`` where we ask ``ours_minor``; None without a rival.

    A gap within ``near_percent`` is left alone. A lower rival is matched where its price lies within the band and
    above floor and cost; met by a coupon where only the band stands in the way; not followed below floor or cost.
    A higher one lets us raise the price, at most to the end of the band. Equal rivals: the one seen last counts.
    """
    if not rivals or ours_minor <= 0:
        return None
    rival = min(rivals, key=lambda one: (one.effective_minor, -one.observation_id))
    theirs = rival.effective_minor
    gap = share_bp(theirs - ours_minor, ours_minor)
    why: list[tuple[str, dict[str, int]]] = [("gap", {"ours": ours_minor, "theirs": theirs})]
    if abs(theirs - ours_minor) * 100 <= ours_minor * rules.near_percent:
        return Suggestion("hold", None, gap, rival, (*why, ("near", {"percent": rules.near_percent})))
    if theirs > ours_minor:
        target = theirs if standard.high is None else min(theirs, standard.high)
        if standard.high is not None and standard.high < theirs:
            why.append(("band_high", {"high": standard.high}))
        if target <= ours_minor:
            return Suggestion("hold", None, gap, rival, tuple(why))
        return Suggestion("raise", target, gap, rival, tuple(why))
    floor, cost = standard.floor or 0, standard.cost or 0
    least = max(floor, cost)
    if theirs < least:
        name = "floor" if floor >= cost else "cost"
        return Suggestion("differ", None, gap, rival, (*why, (name, {name: least})))
    if standard.low is not None and theirs < standard.low:
        why.append(("band_low", {"low": standard.low}))
        return Suggestion("promote", ours_minor - theirs, gap, rival, tuple(why))
    return Suggestion("match", theirs, gap, rival, tuple(why))
