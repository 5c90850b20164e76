"""The product–channel fit standard: checks as data, and what they say of a listing (PRD-03). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tongpan.core.errors import Refusal

AREAS = {
    "title_length": "presentation",
    "images": "presentation",
    "detail_text": "presentation",
    "video": "presentation",
    "attributes": "description",
    "banned_words": "description",
    "return_days": "service",
    "ship_hours": "service",
    "spares": "service",
}
"""Check -> the part of the standard that it belongs to."""
_NUMBERS = {"title_length": ("min", "max"), "images": ("min",), "detail_text": ("min",)} | {
    "return_days": ("min",),
    "ship_hours": ("max",),
}
_WORDS = {"attributes": "names", "banned_words": "words"}
MAX_CHECKS = 50


@dataclass(frozen=True, slots=True)
class Check:
    """One check. minimum, maximum: bounds of a number, both included. words: attribute names or banned words.

    weight: its share of the score. is_required: a listing that fails it does not pass.
    """

    name: str
    minimum: int | None = None
    maximum: int | None = None
    words: tuple[str, ...] = ()
    weight: int = 1
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """What buyers see of a listing. return_days, ship_hours: None when the page promises nothing."""

    title: str = ""
    description: str = ""
    image_count: int = 0
    has_video: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    return_days: int | None = None
    ship_hours: int | None = None
    has_spares: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. found, wanted: the evidence, as short texts without language ("12", "10-60", words)."""

    check: str
    area: str
    passed: bool
    is_required: bool
    found: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """score: share of the weight whose checks passed, in whole percent. passed: every required check did."""

    score: int
    passed: bool
    findings: tuple[Finding, ...]


def read_checks(data: object) -> tuple[Check, ...]:
    """The checks of a standard as stored: [{"check": "title_length", "min": 10, "max": 60}, …].

    Raises Refusal fit.checks, which says what is wrong with which check.
    """
    if not isinstance(data, list) or not 0 < len(data) <= MAX_CHECKS:
        raise Refusal("fit.checks", f"A standard is a list of 1 to {MAX_CHECKS} checks.")
    checks = tuple(_read(one) for one in data)
    names = [check.name for check in checks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refusal("fit.checks", f"The check {twice[0]} stands twice.")
    return checks


def verdict(checks: Sequence[Check], content: Content) -> Verdict:
    """What ``checks`` say of ``content``; the same for the same input."""
    findings = tuple(_find(check, content) for check in checks)
    total = sum(check.weight for check in checks)
    won = sum(check.weight for check, finding in zip(checks, findings, strict=True) if finding.passed)
    is_passed = all(finding.passed or not finding.is_required for finding in findings)
    return Verdict(100 * won // total, is_passed, findings)


def _find(check: Check, content: Content) -> Finding:
    passed, found, wanted = _measure(check, content)
    return Finding(check.name, AREAS[check.name], passed, check.is_required, found, wanted)


def _measure(check: Check, content: Content) -> tuple[bool, str, str]:
    if check.name == "attributes":
        missing = [name for name in check.words if not str(content.attributes.get(name, "")).strip()]
        return not missing, ", ".join(missing), ", ".join(check.words)
    if check.name == "banned_words":
        text = f"{content.title}\n{content.description}\n{' '.join(map(str, content.attributes.values()))}".casefold()
        used = [word for word in check.words if word.casefold() in text]
        return not used, ", ".join(used), ""
    if check.name in ("video", "spares"):
        has = content.has_video if check.name == "video" else content.has_spares
        return has, "1" if has else "0", "1"
    number = {
        "title_length": len(content.title.strip()),
        "images": content.image_count,
        "detail_text": len(content.description.strip()),
        "return_days": content.return_days,
        "ship_hours": content.ship_hours,
    }[check.name]
    low, high = check.minimum, check.maximum
    wanted = f"{low}-{high}" if low is not None and high is not None else f"≥ {low}" if low is not None else f"≤ {high}"
    if number is None:
        return False, "", wanted
    return (low is None or number >= low) and (high is None or number <= high), str(number), wanted


def _read(one: Any) -> Check:
    name = one.get("check") if isinstance(one, dict) else None
    if name not in AREAS:
        raise Refusal("fit.checks", f"{name!r} is not one of the checks {', '.join(AREAS)}.")
    known = {"check", "weight", "required", *_NUMBERS.get(name, ())} | ({_WORDS[name]} if name in _WORDS else set())
    if unknown := sorted(set(one) - known):
        raise Refusal(
            "fit.checks", f"The check {name} has no field {unknown[0]!r}; it knows {', '.join(sorted(known))}."
        )
    weight, is_required = one.get("weight", 1), one.get("required", True)
    if not _is_number(weight, 1, 1000) or not isinstance(is_required, bool):
        raise Refusal("fit.checks", f"The check {name} needs a weight from 1 to 1000, and required is true or false.")
    words: tuple[str, ...] = ()
    if name in _WORDS:
        given = one.get(_WORDS[name])
        if not isinstance(given, list) or not given or any(not isinstance(w, str) or not w.strip() for w in given):
            raise Refusal("fit.checks", f"The check {name} needs {_WORDS[name]}: a list of texts.")
        words = tuple(word.strip() for word in given)
    low, high = one.get("min"), one.get("max")
    for bound in (low, high):
        if bound is not None and not _is_number(bound, 0, 1_000_000):
            raise Refusal("fit.checks", f"The check {name}: {bound!r} is no number from 0 to 1000000.")
    if name in _NUMBERS and low is None and high is None:
        raise Refusal("fit.checks", f"The check {name} needs {' or '.join(_NUMBERS[name])}.")
    if low is not None and high is not None and low > high:
        raise Refusal("fit.checks", f"The check {name}: min is above max.")
    return Check(name, low, high, words, weight, is_required)


def _is_number(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
