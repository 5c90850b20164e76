"""Limits and budgets inside a replay: they begin full and are taken in the order of time. Pure; nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tongpan.core.clock import business_day
from tongpan.promotions.engine.results import Take
from tongpan.promotions.engine.rules import Rulebook, campaign_counter, counter

_KINDS = {
    "uses": "uses",
    "uses_per_day": "uses_per_day",
    "uses_per_customer": "uses_per_customer",
    "units": "units",
    "units_per_customer": "units_per_customer",
    "money_minor": "money",
}


class Counters(Mapping[str, int]):
    """What is left, by the engine's keys, for the order that ``turn_to`` named last.

    Of a buyer nobody knows nothing is left of limits per customer, as at checkout. Its size grows with the customers
    who took something limited per customer, and with nothing else.
    """

    def __init__(self, rulebook: Rulebook, budgets: Mapping[str, int]) -> None:
        self._limits: dict[str, tuple[int, str, str]] = {}
        for rule in rulebook.rules:
            for name, kind in _KINDS.items():
                limit = getattr(rule.limits, name)
                if limit is not None:
                    key = counter(rule.code, kind)  # type: ignore[arg-type]
                    self._limits[key] = (limit, kind, rule.window.zone)
            if rule.campaign in budgets:
                self._limits[campaign_counter(rule.campaign)] = (budgets[rule.campaign], "money", "")
        self._used: dict[tuple[str, object], int] = {}
        self._customer: int | None = None
        self._at = datetime.min

    @property
    def is_needed(self) -> bool:
        """Some rule has a limit; otherwise orders do not depend on each other."""
        return bool(self._limits)

    def turn_to(self, customer_id: int | None, at: datetime) -> None:
        """The next order is that of this customer, placed at this instant."""
        self._customer, self._at = customer_id, at

    def take(self, takes: Iterable[Take]) -> None:
        """Book what the order took."""
        for take in takes:
            if take.counter in self._limits:
                whose = self._whose(take.counter)
                self._used[whose] = self._used.get(whose, 0) + take.amount

    def _whose(self, key: str) -> tuple[str, object]:
        _, kind, zone = self._limits[key]
        if kind.endswith("_per_customer"):
            return key, self._customer
        return key, business_day(self._at, zone) if kind == "uses_per_day" else None

    def __getitem__(self, key: str) -> int:
        limit, kind, _ = self._limits[key]
        if self._customer is None and kind.endswith("_per_customer"):
            return 0
        return max(0, limit - self._used.get(self._whose(key), 0))

    def __contains__(self, key: object) -> bool:
        return key in self._limits

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)
