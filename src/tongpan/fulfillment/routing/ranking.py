"""Comparing nodes by the ranks of a rule, one after the other and never as a weighted sum. Pure.

Each rank is a whole number from 0 on. A node's ranks are joined into one number that compares as the ranks do, and
whose sums compare as the sums of the ranks do, so that sets of nodes are compared the same way.
"""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.fulfillment.routing.basics import NOWHERE, Candidate, free
from tongpan.fulfillment.routing.facts import Snapshot
from tongpan.fulfillment.routing.language import DESCENDING
from tongpan.fulfillment.routing.policy import Rule

UNKNOWN = 1 << 40
"""More than any real value of a rank."""
_BITS = 44
_SILENT = frozenset({"covers_all", "parcels", "node_id"})
"""The same for all nodes that are compared: only such as have all goods are, and sets of one size; codes come last."""


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

    def values(self, candidate: Candidate, needed: Mapping[int, int]) -> list[int | None]:
        """The rank tuple of a node; None where a rank is not known. needed: units by SKU id."""
        return [self._value(key, candidate, needed) for key, _ in self.keys]

    def weight(self, candidate: Candidate, needed: Mapping[int, int]) -> int:
        """The rank tuple as one number; the lower, the better."""
        if self.is_by_distance:
            return UNKNOWN if candidate.km is None else round(candidate.km * 10)
        joined = 0
        for key, turned in self.keys:
            value = self._value(key, candidate, needed)
            is_descending = (key in DESCENDING) != turned
            if value is None:
                value = UNKNOWN
            elif is_descending:
                value = UNKNOWN - min(value, UNKNOWN)
            joined = (joined << _BITS) | min(value, UNKNOWN)
        return joined

    def differs_by(self, winner: list[int | None], other: list[int | None]) -> str:
        """The first rank in which two tuples differ; "node_id" when none does."""
        for (key, _), ours, theirs in zip(self.keys, winner, other, strict=True):
            if ours != theirs:
                return key
        return "node_id"

    def _value(self, key: str, candidate: Candidate, needed: Mapping[int, int]) -> int | None:
        if key == "distance":
            return None if candidate.km is None else round(candidate.km * 10)
        facts, node = self.snapshot.facts_of(candidate.node), candidate.node
        if key == "group":
            return min((self.groups[group] for group in facts.groups if group in self.groups), default=len(self.groups))
        if key == "territory":
            return 0 if facts.territory else 1
        if key == "priority":
            return max(facts.priority, 0)
        given = self.snapshot.given.get(node.id, 0)
        if key == "load":
            return given
        if key == "balance":
            return given * 1000 // max(facts.order_limit, 1) if facts.order_limit is not None else 0
        if key == "capacity_left":
            return UNKNOWN if facts.order_limit is None else max(facts.order_limit - given, 0)
        if key == "cost":
            if self.currency and facts.currency not in ("", self.currency):
                return None
            return cost_of(facts.base_cost, facts.cost_per_km, candidate.km)
        if key == "stock_age":
            ages = self.snapshot.ages
            return sum(ages.get(sku_id, NOWHERE).get(node.id, 0) for sku_id in needed)
        minimums, stock = self.snapshot.minimums, self.snapshot.stock
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
