"""Adding up a replay: in all, by channel, tier and rule, before and after. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tongpan.orders.replaying.basics import Figures, Outcome

MOST_RULES = 6_000
"""Names of discounts told apart; channels may have a name for every coupon. The others are counted together."""
OTHERS = "…"


@dataclass(slots=True)
class Group:
    """Orders that are told together."""

    orders: int = 0
    changed: int = 0
    before: Figures = field(default_factory=Figures)
    after: Figures = field(default_factory=Figures)

    def merge(self, other: Group) -> None:
        self.orders += other.orders
        self.changed += other.changed
        self.before.add(other.before)
        self.after.add(other.after)

    def as_json(self) -> dict[str, Any]:
        return {
            "orders": self.orders,
            "changed": self.changed,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
        }


@dataclass(slots=True)
class Totals:
    """The sums so far. Orders that were skipped are counted by why, and are in no other figure."""

    skipped: dict[str, int] = field(default_factory=dict)
    untouched: int = 0
    _groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    _rules: dict[str, list[int]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one order."""
        if outcome.skipped:
            self.skipped[outcome.skipped] = self.skipped.get(outcome.skipped, 0) + 1
            return
        key = (outcome.order.channel, outcome.tier)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group()
        group.orders += 1
        group.changed += outcome.is_changed
        group.before.add(outcome.before)
        group.after.add(outcome.after)
        self.untouched += not outcome.is_touched
        for at, rules in ((0, outcome.rules_before), (2, outcome.rules_after)):
            for rule, amount in rules.items():
                sums = self._sums(rule)
                sums[at] += 1
                sums[at + 1] += amount

    def _sums(self, rule: str) -> list[int]:
        sums = self._rules.get(rule)
        if sums is None:
            name = rule if len(self._rules) < MOST_RULES else OTHERS
            sums = self._rules.setdefault(name, [0, 0, 0, 0])
        return sums

    def as_json(self, currency: str) -> dict[str, Any]:
        """What is kept of a replay. rules: orders and minor units taken off, before and after, with shipping."""
        whole = Group()
        channels: dict[str, Group] = {}
        tiers: dict[str, Group] = {}
        for (channel, tier), group in sorted(self._groups.items()):
            whole.merge(group)
            channels.setdefault(channel, Group()).merge(group)
            tiers.setdefault(tier, Group()).merge(group)
        return {
            "currency": currency,
            **whole.as_json(),
            "untouched": self.untouched,
            "skipped": dict(sorted(self.skipped.items())),
            "channels": _named(channels, "channel"),
            "tiers": _named(tiers, "tier"),
            "rules": [
                {
                    "rule": rule,
                    "before": {"orders": sums[0], "off_minor": sums[1]},
                    "after": {"orders": sums[2], "off_minor": sums[3]},
                }
                for rule, sums in sorted(self._rules.items(), key=lambda one: (-max(one[1][1], one[1][3]), one[0]))
            ],
        }


def _named(groups: Mapping[str, Group], word: str) -> list[dict[str, Any]]:
    return [{word: name, **group.as_json()} for name, group in groups.items()]
