"""Rules as lists show them: of the rulebook that counts or of a draft, with whether they are open now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tongpan.promotions.engine.rules import Rule, Rulebook

Phase = Literal["ahead", "running", "over"]


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """text: part of a code or a name. phase, kind, channel, campaign: "" for any."""

    text: str = ""
    phase: str = ""
    kind: str = ""
    channel: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule and whether its window is ahead, running or over."""

    rule: Rule
    phase: Phase


def phase_of(rule: Rule, at: datetime) -> Phase:
    """Whether the window of a rule is still to come, running, or over; its hours are not looked at."""
    if rule.window.starts_at and at < rule.window.starts_at:
        return "ahead"
    return "over" if rule.window.ends_at and at >= rule.window.ends_at else "running"


def rules_of(book: Rulebook, wanted: RuleFilter, *, at: datetime) -> list[RuleRow]:
    """The rules of ``book`` that ``wanted`` means."""
    text = wanted.text.lower()
    rows = []
    for rule in book.rules:
        row = RuleRow(rule, phase_of(rule, at))
        channels = rule.conditions.channels
        if (
            (not text or text in f"{rule.code} {rule.name_zh} {rule.name_en}".lower())
            and wanted.phase in ("", row.phase)
            and wanted.kind in ("", rule.kind)
            and wanted.campaign in ("", rule.campaign)
            and (not wanted.channel or not channels or wanted.channel in channels)
        ):
            rows.append(row)
    return rows


def raw_rule(document: Mapping[str, Any], code: str) -> dict[str, Any] | None:
    """The rule ``code`` as the document has it."""
    rules: Sequence[Mapping[str, Any]] = document.get("rules", ())
    return next((dict(rule) for rule in rules if rule.get("code") == code), None)
