"""Reading plain values of a document strictly: what is wrong is collected with its path, and read as a default."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from tongpan.core.errors import Refusal

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
MOST_MINOR = 10**12
MOST_UNITS = 10**9


class Fault(NamedTuple):
    """where: the path to the word that is wrong ("rules[3].benefit.percent"), counted from 0. sentence: what to do."""

    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}" if self.where else self.sentence


class BadRulebook(Refusal):
    """The document is no rulebook; ``faults`` has every reason."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__("promotions.document", f"{faults[0]}{more}")
        self.faults = list(faults)


class Reader:
    """Reads values at paths; ``faults`` has what was wrong."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def wrong(self, where: str, sentence: str) -> None:
        self.faults.append(Fault(where, sentence))

    def words(self, raw: Any, at: str, known: Collection[str], *, needed: Collection[str] = ()) -> Mapping[str, Any]:
        """The words below ``at``; one that is not ``known`` is a fault, and so is a needed one that is missing."""
        if raw is None:
            raw = {}
        if not isinstance(raw, Mapping):
            self.wrong(at, f"Write this as words with values; known are {', '.join(known)}.")
            return {}
        for word in raw:
            if word not in known:
                self.wrong(f"{at}.{word}".lstrip("."), f"There is no such word here; known are {', '.join(known)}.")
        for word in needed:
            if raw.get(word) is None:
                self.wrong(f"{at}.{word}".lstrip("."), "This is missing.")
        return raw

    def entries(self, raw: Any, at: str, what: str, *, least: int = 0, most: int = 10_000) -> list[Any]:
        """A list of ``least`` to ``most`` entries; None is an empty one."""
        if raw is None:
            raw = []
        if not isinstance(raw, list):
            self.wrong(at, f"List {what}.")
            return []
        if not least <= len(raw) <= most:
            self.wrong(at, f"List {least} to {most} {what}.")
            return raw[:most]
        return raw

    def text(self, raw: Any, at: str, *, most: int = 120) -> str:
        if raw is None:
            return ""
        if not isinstance(raw, str) or len(raw) > most or not raw.isprintable():
            self.wrong(at, f"Give one line of text of at most {most} characters.")
            return ""
        return raw.strip()

    def code(self, raw: Any, at: str) -> str:
        if not isinstance(raw, str) or not CODE.fullmatch(raw):
            self.wrong(at, "Give a code of 1 to 60 letters, digits, dots, hyphens and underscores.")
            return ""
        return raw

    def names(self, raw: Any, at: str) -> frozenset[str]:
        """A set of texts, each of 1 to 120 characters; a single text is a set of one."""
        if raw is None:
            return frozenset()
        values = raw if isinstance(raw, list) else [raw]
        found = []
        for one in values:
            if not isinstance(one, str) or not one.strip() or len(one) > 120 or not one.isprintable():
                self.wrong(at, "Give one text or a list of texts of 1 to 120 characters.")
                return frozenset()
            found.append(one.strip())
        if not found:
            self.wrong(at, "The list is empty: leave the word out, or name something.")
        return frozenset(found)

    def choice(self, raw: Any, at: str, known: Sequence[str], default: str) -> str:
        if raw is None:
            return default
        if raw not in known:
            self.wrong(at, f"{shown(raw)} is not one of {', '.join(known)}.")
            return default
        return str(raw)

    def yes(self, raw: Any, at: str, *, default: bool = False) -> bool:
        if raw is None:
            return default
        if not isinstance(raw, bool):
            self.wrong(at, "Say true or false.")
            return default
        return raw

    def maybe(self, raw: Any, at: str) -> bool | None:
        return None if raw is None else self.yes(raw, at)

    def number(self, raw: Any, at: str, least: int, most: int, what: str) -> int | None:
        """A whole number of ``what`` between the bounds, both included; None when it is not said or wrong."""
        if raw is None:
            return None
        if not isinstance(raw, int) or isinstance(raw, bool):
            self.wrong(at, f"{shown(raw)} is not a whole number of {what}.")
        elif raw < 0:
            self.wrong(at, f"{raw} is negative; give {what} from {least} on.")
        elif not least <= raw <= most:
            self.wrong(at, f"{raw} is not between {least} and {most} {what}.")
        else:
            return raw
        return None

    def money(self, raw: Any, at: str, least: int = 0) -> int | None:
        return self.number(raw, at, least, MOST_MINOR, "minor units")

    def units(self, raw: Any, at: str, least: int = 1) -> int | None:
        return self.number(raw, at, least, MOST_UNITS, "units")

    def percent(self, raw: Any, at: str) -> int | None:
        """A percentage above 0 and up to 100 with at most two decimals, as basis points."""
        if raw is None:
            return None
        if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
            self.wrong(at, f"{shown(raw)} is not a percentage.")
            return None
        try:
            points = Decimal(str(raw)) * 100
        except ArithmeticError:
            points = Decimal("NaN")
        if not points.is_finite():
            self.wrong(at, f"{shown(raw)} is not a percentage.")
        elif points > 10_000:
            self.wrong(at, f"{raw} is over 100.")
        elif points <= 0:
            self.wrong(at, f"{raw} is not above 0.")
        elif points != points.to_integral_value():
            self.wrong(at, f"{raw} has more than two decimals.")
        else:
            return int(points)
        return None


def shown(raw: Any) -> str:
    """``raw`` as a sentence can quote it."""
    if isinstance(raw, (str, int, float)):
        return repr(raw) if len(str(raw)) <= 40 else repr(str(raw)[:40]) + "…"
    return "This"
