"""The rules of the patrol: how an effective price is made, judged and followed up. Data with a version; pure.

The newest version of ``models.PatrolRules`` counts; without one the defaults do, as version 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tongpan.core.errors import Refusal

AUDIENCES = ("everyone", "member", "new", "limited")
"""Who can have a discount: any buyer, members, first buyers only, or the first few."""
GIFTS = ("cost", "list", "ignore")
BASKETS = ("fill", "alone")
FINDINGS = ("under_floor", "under_band", "deep_discount", "over_band")
"""What can be wrong with a price seen, the worst first."""
SANCTIONS = ("warning", "fine", "termination")
STEPS = ("open", "evidence", "confirmed", *SANCTIONS, "appeal")
_MOST_MINOR = 10**12


@dataclass(frozen=True, slots=True)
class Rung:
    """The sanction of a party with at least ``cases`` confirmed cases in the window, the present one included."""

    cases: int
    sanction: str
    fine_minor: int = 0


LADDER = (Rung(1, "warning"), Rung(2, "fine", 200_000), Rung(4, "termination"))
DAYS = {"open": 3, "evidence": 5, "confirmed": 3, "warning": 7, "fine": 15, "termination": 30, "appeal": 7}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the patrol goes by; the defaults need nothing of the company.

    gifts: what a gift is worth, at its cost or its list price (what the observer saw when neither is known), or
    nothing. basket: "fill" spreads a reduction whose threshold one unit does not reach over a cart that does; "alone"
    does not count it. normal: of AUDIENCES, whom a normal buyer belongs to. warn_percent: an effective price below
    this share of the guide price is a deep discount; 0 switches that off. opens: findings that open a case by
    themselves. ladder, repeat_days: sanctions by the confirmed cases of a party within so many days. days: until each
    step is due. appeal_days: how long after a sanction it can be appealed. war_*: a price war is at least war_cuts
    undercuttings by war_sellers within war_hours that lower the lowest price by war_percent. near_percent: a
    competitor within this distance is no reason to act. competitor_days: how long a competitor's price counts.
    """

    gifts: str = "cost"
    basket: str = "fill"
    normal: tuple[str, ...] = ("everyone",)
    warn_percent: int = 80
    opens: tuple[str, ...] = ("under_floor", "under_band")
    ladder: tuple[Rung, ...] = LADDER
    repeat_days: int = 365
    days: Mapping[str, int] = field(default_factory=lambda: dict(DAYS))
    appeal_days: int = 15
    war_hours: int = 72
    war_sellers: int = 2
    war_cuts: int = 3
    war_percent: int = 5
    near_percent: int = 5
    competitor_days: int = 14

    def as_json(self) -> dict[str, Any]:
        """Plain JSON that ``parse_rules`` reads back."""
        return asdict(self) | {
            "normal": list(self.normal),
            "opens": list(self.opens),
            "ladder": [asdict(rung) for rung in self.ladder],
            "days": dict(self.days),
        }


_NUMBERS = {
    "warn_percent": (0, 100),
    "repeat_days": (1, 3660),
    "appeal_days": (1, 365),
    "war_hours": (1, 24 * 90),
    "war_sellers": (2, 100),
    "war_cuts": (1, 1000),
    "war_percent": (0, 100),
    "near_percent": (0, 100),
    "competitor_days": (1, 365),
}


def parse_rules(given: Mapping[str, Any]) -> Rules:
    """The rules that plain JSON describes; what it leaves out keeps its default.

    Raises Refusal patrol.rules with a sentence that names the rule.
    """
    known = {one.name for one in fields(Rules)}
    if unknown := sorted(set(given) - known):
        raise _bad(f"There is no rule {', '.join(unknown)}; the rules are {', '.join(sorted(known))}")
    read: dict[str, Any] = {}
    for name, value in given.items():
        read[name] = _READERS[name](name, value)
    return Rules(**read)


def _one_of(known: Sequence[str]) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in known:
            raise _bad(f"{name} must be one of {', '.join(known)}")
        return str(value)

    return read


def _some_of(known: Sequence[str]) -> Callable[[str, Any], tuple[str, ...]]:
    def read(name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or any(one not in known for one in value):
            raise _bad(f"{name} must be a list of {', '.join(known)}")
        return tuple(one for one in known if one in value)

    return read


def _number(name: str, value: Any) -> int:
    least, most = _NUMBERS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _bad(f"{name} must be a whole number from {least} to {most}")
    return value


def _days(name: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or any(
        step not in STEPS or not isinstance(n, int) or isinstance(n, bool) or not 0 < n <= 3660
        for step, n in value.items()
    ):
        raise _bad(f"{name} must give 1 to 3660 days by step, of {', '.join(STEPS)}")
    return DAYS | dict(value)


def _ladder(name: str, value: Any) -> tuple[Rung, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise _bad(f"{name} must list at least one rung")
    rungs: list[Rung] = []
    for one in value:
        rung = Rung(**asdict(one)) if isinstance(one, Rung) else _rung(name, one)
        if rungs and (
            rung.cases <= rungs[-1].cases or SANCTIONS.index(rung.sanction) < SANCTIONS.index(rungs[-1].sanction)
        ):
            raise _bad(f"{name} must climb: each rung needs more cases than the one before and no milder sanction")
        rungs.append(rung)
    if rungs[0].cases != 1:
        raise _bad(f"{name} must begin with the first case (cases 1)")
    return tuple(rungs)


def _rung(name: str, one: Any) -> Rung:
    if (
        not isinstance(one, Mapping)
        or set(one) - {"cases", "sanction", "fine_minor"}
        or one.get("sanction") not in SANCTIONS
    ):
        raise _bad(f"A rung of {name} has cases, a sanction of {', '.join(SANCTIONS)}, and fine_minor for a fine")
    cases, fine = one.get("cases"), one.get("fine_minor", 0)
    if not isinstance(cases, int) or isinstance(cases, bool) or not 0 < cases <= 1000:
        raise _bad(f"The cases of a rung of {name} are a number from 1 to 1000")
    if not isinstance(fine, int) or isinstance(fine, bool) or not 0 <= fine <= _MOST_MINOR:
        raise _bad(f"The fine_minor of a rung of {name} is a number of minor units")
    if (one["sanction"] == "fine") != (fine > 0):
        raise _bad(f"A rung of {name} that fines needs fine_minor, and no other one has it")
    return Rung(cases, one["sanction"], fine)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "gifts": _one_of(GIFTS),
    "basket": _one_of(BASKETS),
    "normal": _some_of(AUDIENCES),
    "opens": _some_of(FINDINGS),
    "ladder": _ladder,
    "days": _days,
    **dict.fromkeys(_NUMBERS, _number),
}


def _bad(what: str) -> Refusal:
    return Refusal("patrol.rules", f"{what}.")
