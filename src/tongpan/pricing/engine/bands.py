"""How far a channel's price may be from the guide price, and the settings of prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

MODES = ("band", "identical")
APPLIES_TO = ("list", "net")
VERDICTS = ("approve", "refuse")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Band:
    """How far below and above the guide price a price may be, in percent; identical: not at all (X-08)."""

    lower_pct: Decimal
    upper_pct: Decimal
    is_identical: bool = False

    def limits(self, guide_minor: int) -> tuple[int, int]:
        """The lowest and the highest price of the band, both inside it, in minor units."""
        if self.is_identical:
            return guide_minor, guide_minor
        low = (guide_minor * (_HUNDRED - self.lower_pct) / _HUNDRED).to_integral_value(ROUND_CEILING)
        high = (guide_minor * (_HUNDRED + self.upper_pct) / _HUNDRED).to_integral_value(ROUND_FLOOR)
        return int(low), int(high)


def deviation_pct(amount_minor: int, guide_minor: int) -> Decimal:
    """(price − guide price) / guide price in percent, to two decimals (KPI-19)."""
    exact = Decimal(amount_minor - guide_minor) * _HUNDRED / Decimal(guide_minor)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """The settings of prices; the defaults are those of the plans' contradictions X-08, X-09 and X-33.

    mode: band, or identical prices on all channels. band_lower_pct, band_upper_pct: the band of a channel without
    one of its own. band_applies_to: list prices only, or net prices too. outside_band, under_floor: whether a price
    that breaks the rule is refused or goes to approval. use_purchasing_power: whether a buyer's purchasing power may
    be an input of a price. alarm_pct: a listing that deviates from the book by more than this raises an alarm.
    dynamic_mode: whether proposals of the dynamic model wait for approval or count at once, inside the limits.
    dynamic_step_pct: how far one proposal may move a price at most.
    """

    mode: str = "band"
    band_lower_pct: Decimal = Decimal(5)
    band_upper_pct: Decimal = Decimal(5)
    band_applies_to: str = "list"
    outside_band: str = "approve"
    under_floor: str = "refuse"
    use_purchasing_power: bool = False
    alarm_pct: Decimal = Decimal(1)
    dynamic_mode: str = "approve"
    dynamic_step_pct: Decimal = Decimal(3)

    @property
    def band(self) -> Band:
        """The band of a channel without one of its own."""
        return Band(self.band_lower_pct, self.band_upper_pct, self.mode == "identical")

    def as_json(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "band_lower_pct": str(self.band_lower_pct),
            "band_upper_pct": str(self.band_upper_pct),
            "band_applies_to": self.band_applies_to,
            "outside_band": self.outside_band,
            "under_floor": self.under_floor,
            "use_purchasing_power": self.use_purchasing_power,
            "alarm_pct": str(self.alarm_pct),
            "dynamic_mode": self.dynamic_mode,
            "dynamic_step_pct": str(self.dynamic_step_pct),
        }


def read_settings(given: Mapping[str, Any]) -> tuple[PriceSettings, list[str]]:
    """Settings from JSON, and a sentence for everything that is wrong with it; what is left out has its default."""
    default = PriceSettings()
    problems: list[str] = []
    known = default.as_json()
    problems += [f"There is no setting {name}." for name in given if name not in known]

    def choice(name: str, allowed: tuple[str, ...]) -> str:
        value = given.get(name, known[name])
        if value not in allowed:
            problems.append(f"{name} is {value!r}; it must be {' or '.join(allowed)}.")
        return str(value)

    def percent(name: str, most: int) -> Decimal:
        try:
            value = Decimal(str(given.get(name, known[name])))
        except InvalidOperation:
            value = Decimal(-1)
        if not (value.is_finite() and 0 <= value <= most and value == value.quantize(Decimal("0.01"))):
            problems.append(f"{name} must be a number of percent from 0 to {most} with at most two decimals.")
            return Decimal(0)
        return value

    power = given.get("use_purchasing_power", False)
    if not isinstance(power, bool):
        problems.append("use_purchasing_power must be true or false.")
    settings = PriceSettings(
        mode=choice("mode", MODES),
        band_lower_pct=percent("band_lower_pct", 99),
        band_upper_pct=percent("band_upper_pct", 999),
        band_applies_to=choice("band_applies_to", APPLIES_TO),
        outside_band=choice("outside_band", VERDICTS),
        under_floor=choice("under_floor", VERDICTS),
        use_purchasing_power=power is True,
        alarm_pct=percent("alarm_pct", 100),
        dynamic_mode=choice("dynamic_mode", ("approve", "automatic")),
        dynamic_step_pct=percent("dynamic_step_pct", 50),
    )
    return settings, problems
