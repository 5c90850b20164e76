"""The dynamic price model: what a price should move to, why, and never past band, floor, cost or one step (PRI-09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

_HUNDRED = Decimal(100)
_DEMAND_WEIGHT = Decimal("0.10")
_COVER_UP, _COVER_DOWN = Decimal("2.0"), Decimal("1.5")
_SUPPLY_UP = Decimal("1.0")
_RIVAL_WEIGHT = Decimal("0.5")
_POWER_WEIGHT = Decimal("0.05")

InputName = Literal["demand", "cover", "supply", "competitor", "purchasing_power"]


@dataclass(frozen=True, slots=True)
class Market:
    """What is known of a SKU on a channel; None where nothing is, and then it moves nothing. Amounts in minor units.

    base_minor: the list price now. demand_ratio: expected ÷ usual units a day. cover_days: how long free stock lasts.
    lead_days: from ordering goods to having them. on_order: units that are coming. competitor_minor: the lowest
    effective price of a competitor. power_index: purchasing power of the channel's buyers, 1 is usual; used only
    where the setting allows it, and of a channel, never of one buyer (X-33).
    """

    sku: str
    channel: str
    base_minor: int
    low_minor: int
    high_minor: int
    floor_minor: int | None = None
    cost_minor: int | None = None
    demand_ratio: Decimal | None = None
    cover_days: Decimal | None = None
    lead_days: int = 7
    max_days: int = 90
    on_order: int = 0
    competitor_minor: int | None = None
    power_index: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """How an input moves the price, in percent of the price now."""

    input: InputName
    pct: Decimal
    sentence: str


@dataclass(frozen=True, slots=True)
class DynamicPrice:
    """A proposal. wanted_minor: before the limits. clamps: which limits held it: step, band, floor, cost."""

    sku: str
    channel: str
    base_minor: int
    amount_minor: int
    wanted_minor: int
    effects: Sequence[Effect]
    clamps: Sequence[str]

    @property
    def moves(self) -> bool:
        return self.amount_minor != self.base_minor

    @property
    def why(self) -> str:
        """The reasons in one line."""
        parts = [f"{one.sentence} ({one.pct:+}%)" for one in self.effects]
        if self.clamps:
            parts.append(f"held by {', '.join(self.clamps)}")
        return "; ".join(parts)


def propose(market: Market, *, step_pct: Decimal, use_purchasing_power: bool = False) -> DynamicPrice:
    """The price that ``market`` speaks for: base × (1 + Σ effects), at most ``step_pct`` away, inside all limits.

    The effects add up: a tenth of how far demand is from usual; up where stock ends before new goods can come, more
    so when none are on order, down where it lasts beyond ``max_days``; half of the gap to a competitor. Floor and
    cost win over the band. Raises ValueError for purchasing power where it may not be used, and for a price that is
    not positive.
    """
    if market.base_minor <= 0:
        raise ValueError(f"The price of {market.sku} on {market.channel} must be positive.")
    if market.power_index is not None and not use_purchasing_power:
        raise ValueError("Purchasing power is no input of prices while use_purchasing_power is off.")
    effects = _effects(market)
    total = sum((one.pct for one in effects), Decimal(0))
    clamps = []
    held = max(-step_pct, min(step_pct, total))
    if held != total:
        clamps.append("step")
    wanted = _moved(market.base_minor, total)
    amount = _moved(market.base_minor, held)
    inside = max(market.low_minor, min(market.high_minor, amount))
    if inside != amount:
        clamps.append("band")
    for name, least in (("cost", market.cost_minor), ("floor", market.floor_minor)):
        if least is not None and inside < least:
            inside = least
            clamps.append(name)
    return DynamicPrice(market.sku, market.channel, market.base_minor, inside, wanted, effects, clamps)


def _effects(market: Market) -> list[Effect]:
    found: list[Effect] = []

    def add(name: InputName, pct: Decimal, sentence: str) -> None:
        rounded = pct.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        if rounded:
            found.append(Effect(name, rounded, sentence))

    if market.demand_ratio is not None:
        pct = (market.demand_ratio - 1) * _HUNDRED
        add("demand", pct * _DEMAND_WEIGHT, f"demand {pct:+.0f}% against usual")
    if market.cover_days is not None:
        if market.cover_days < market.lead_days:
            add("cover", _COVER_UP, f"stock lasts {market.cover_days:.0f} days, new goods take {market.lead_days}")
            if market.on_order == 0:
                add("supply", _SUPPLY_UP, "nothing is on order")
        elif market.cover_days > market.max_days:
            add("cover", -_COVER_DOWN, f"stock lasts {market.cover_days:.0f} days, more than {market.max_days}")
    if market.competitor_minor is not None:
        gap = Decimal(market.competitor_minor - market.base_minor) * _HUNDRED / market.base_minor
        add("competitor", gap * _RIVAL_WEIGHT, f"a competitor asks {gap:+.1f}%")
    if market.power_index is not None:
        pct = (market.power_index - 1) * _HUNDRED
        add("purchasing_power", pct * _POWER_WEIGHT, f"purchasing power {pct:+.0f}% against usual")
    return found


def _moved(base_minor: int, pct: Decimal) -> int:
    return int((Decimal(base_minor) * (_HUNDRED + pct) / _HUNDRED).to_integral_value(ROUND_HALF_EVEN))
