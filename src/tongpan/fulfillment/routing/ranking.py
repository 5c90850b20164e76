"""Comparing nodes by the ranks of a rule, one after the other and never as a weighted sum. Pure.

Each rank is a whole number from 0 on. A node's ranks are joined into one number that compares as the ranks do, and
whose sums compare as the sums of the ranks do, so that sets of nodes are compared the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tongpan.fulfillment.routing.basics import NOWHERE, Candidate, free
from tongpan.fulfillment.routing.facts import Snapshot
from tongpan.fulfillment.routing.language import DESCENDING
from tongpan.fulfillment.routing.policy import Rule

UNKNOWN = 1 << 40
"""More than any real value of a rank."""
_BITS = 44
_SILENT = frozenset({"covers_all", "parcels", "node_id"})
"""The same for all nodes that are compared: only such as have all goods are, and sets of one size; codes come last."""


Read = Callable[[Candidate, Mapping[int, int]], int | None]
"""A rank of a candidate for what is needed, units by SKU id; None when it is not known."""


class Ranking:
    """The ranks of one rule on one snapshot. currency: costs in another one are not known; "" compares all."""

    def __init__(self, rule: Rule, snapshot: Snapshot, currency: str = "") -> None:
        self.currency = currency
        self.keys = [(key, turned) for key, turned in rule.rank if key not in _SILENT]
        self.groups = {group: position for position, group in enumerate(rule.nodes.groups)}
        self.snapshot = snapshot
        self.is_by_distance = self.keys in ([("distance", False)], [])
        if not self.keys:
            self.keys = [("distance", False)]
        readers = self._readers()
        self.readers = [(readers[key], (key in DESCENDING) != turned) for key, turned in self.keys]

    def values(self, candidate: Candidate, needed: Mapping[int, int]) -> list[int | None]:
        """The rank tuple of a node; None where a rank is not known. needed: units by SKU id."""
        return [read(candidate, needed) for read, _ in self.readers]

    def weight(self, candidate: Candidate, needed: Mapping[int, int]) -> int:
        """The rank tuple as one number; the lower, the better."""
        if self.is_by_distance:
            return UNKNOWN if candidate.km is None else round(candidate.km * 10)
        joined = 0
        for read, is_descending in self.readers:
            value = read(candidate, needed)
            if value is None or value > UNKNOWN:
                value = UNKNOWN if value is None or not is_descending else 0
            elif is_descending:
                value = UNKNOWN - value
            joined = (joined << _BITS) | value
        return joined

    def differs_by(self, winner: list[int | None], other: list[int | None]) -> str:
        """The first rank in which two tuples differ; "node_id" when none does."""
        for (key, _), ours, theirs in zip(self.keys, winner, other, strict=True):
            if ours != theirs:
                return key
        return "node_id"

    def _readers(self) -> dict[str, Read]:
        return {
            "group": self._group,
            "territory": lambda candidate, _: 0 if self.snapshot.facts_of(candidate.node).territory else 1,
            "priority": lambda candidate, _: max(self.snapshot.facts_of(candidate.node).priority, 0),
            "distance": lambda candidate, _: None if candidate.km is None else round(candidate.km * 10),
            "cost": self._cost,
            "capacity_left": self._capacity_left,
            "balance": self._balance,
            "load": lambda candidate, _: self.snapshot.given.get(candidate.node.id, 0),
            "stock_age": self._stock_age,
            "store_minimum": self._store_minimum,
        }

    def _group(self, candidate: Candidate, _: Mapping[int, int]) -> int:
        theirs = self.snapshot.facts_of(candidate.node).groups
        return min((self.groups[group] for group in theirs if group in self.groups), default=len(self.groups))

    def _cost(self, candidate: Candidate, _: Mapping[int, int]) -> int | None:
        facts = self.snapshot.facts_of(candidate.node)
        if self.currency and facts.currency not in ("", self.currency):
            return None
        return cost_of(facts.base_cost, facts.cost_per_km, candidate.km)

    def _capacity_left(self, candidate: Candidate, _: Mapping[int, int]) -> int:
        limit = self.snapshot.facts_of(candidate.node).order_limit
        return UNKNOWN if limit is None else max(limit - self.snapshot.given.get(candidate.node.id, 0), 0)

    def _balance(self, candidate: Candidate, _: Mapping[int, int]) -> int:
        limit = self.snapshot.facts_of(candidate.node).order_limit
        return 0 if limit is None else self.snapshot.given.get(candidate.node.id, 0) * 1000 // max(limit, 1)

    def _stock_age(self, candidate: Candidate, needed: Mapping[int, int]) -> int:
        ages = self.snapshot.ages
        return sum(ages.get(sku_id, NOWHERE).get(candidate.node.id, 0) for sku_id in needed)

    def _store_minimum(self, candidate: Candidate, needed: Mapping[int, int]) -> int:
        minimums, stock, node = self.snapshot.minimums, self.snapshot.stock, candidate.node
        return sum(
            free(stock, sku_id, node) - qty >= minimums.get(sku_id, NOWHERE).get(node.id, 0)
            for sku_id, qty in needed.items()
        )


def cost_of(base: int | None, per_km: int | None, km: float | None) -> int | None:
    """What a parcel over ``km`` costs in minor units; None when it is not known."""
    if base is None and per_km is None:
        return None
    if not per_km:
        return base or 0
    return None if km is None else (base or 0) + round(per_km * km)
