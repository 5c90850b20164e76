"""How long stock lasts, and how scarce stock is shared out. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from tongpan.core.money import allocate

SupplyState = Literal["out", "overstock", "slow", "normal"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as too much (INV-06). All in days.

    window: the days of sales that the daily rate is taken from. max_days: stock that lasts longer is overstock.
    slow_days: goods in stock that have not left for so long are slow movers (滞销).
    """

    window: int = 28
    max_days: int = 90
    slow_days: int = 60


@dataclass(frozen=True, slots=True)
class Supply:
    """days: how long the units last at the rate of the window, None without sales in it.

    surplus: units above ``max_days`` of supply; of a slow mover all of them.
    """

    state: SupplyState
    days: Fraction | None
    surplus: int


def supply_of(units: int, sold: int, idle_days: int, limits: Limits) -> Supply:
    """Judge the stock of one SKU.

    units: free to sell (≥ 0). sold: units that left in the window (≥ 0). idle_days: whole days since a unit last
    left, or since the goods first came when none ever did.

    1. Nothing there: "out".
    2. Nothing left for ``slow_days``: "slow", and all of it is surplus.
    3. Days of supply = units × window / sold. Above ``max_days``: "overstock"; the surplus is what remains after
       ``max_days`` at that rate, rounded up to whole units kept.
    4. Else "normal".
    """
    days = Fraction(units * limits.window, sold) if sold else None
    if units == 0:
        return Supply("out", days, 0)
    if idle_days >= limits.slow_days:
        return Supply("slow", days, units)
    if days is not None and days > limits.max_days:
        kept = math.ceil(Fraction(limits.max_days * sold, limits.window))
        return Supply("overstock", days, units - kept)
    return Supply("normal", days, 0)


@dataclass(frozen=True, slots=True)
class Claim:
    """One place that wants a share. have: units there. sold: units that it sold in the window."""

    key: int
    have: int
    sold: int


def fair_share(supply: int, claims: Sequence[Claim], *, window: int, target_days: int) -> dict[int, int]:
    """Share ``supply`` units out so that the place that would run out first runs out as late as possible.

    Water filling: places are raised to one common cover (units ÷ daily sales), those above it get nothing, nobody
    is raised above ``target_days``. Whole units by largest remainder (``core.money.allocate``). A place that sold
    nothing gets nothing. Returns the units (> 0) by key; their sum is at most ``supply``.
    """
    open_claims = sorted((c for c in claims if c.sold > 0), key=lambda c: (Fraction(c.have, c.sold), c.key))
    if supply <= 0 or not open_claims:
        return {}
    level = min(_common_cover(supply, open_claims), Fraction(target_days, window))
    wanted = [max(Fraction(0), level * c.sold - c.have) for c in open_claims]
    scale = math.lcm(*(w.denominator for w in wanted))
    weights = [int(w * scale) for w in wanted]
    whole = min(supply, math.floor(sum(wanted)))
    if whole == 0:
        return {}
    shares = allocate(whole, weights)
    return {c.key: units for c, units in zip(open_claims, shares, strict=True) if units}


def _common_cover(supply: int, claims: Sequence[Claim]) -> Fraction:
    """The cover (in windows) that ``claims``, lowest cover first, reach together when they get all of ``supply``."""
    have, sold = supply, 0
    level = Fraction(0)
    for claim in claims:
        if sold and Fraction(claim.have, claim.sold) >= level:
            break
        have, sold = have + claim.have, sold + claim.sold
        level = Fraction(have, sold)
    return level
