"""Which nodes a rule considers, and the first thing that takes each of the others out. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from tongpan.fulfillment.routing.basics import ENDLESS, NOWHERE, Candidate, Need, NodeView, Stock
from tongpan.fulfillment.routing.explaining import Reason
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot, lies_in
from tongpan.fulfillment.routing.policy import Rule


class Sieve:
    """The node filter of one rule. What it says about nodes alone is worked out once for all orders."""

    def __init__(self, rule: Rule, nodes: Sequence[NodeView], snapshot: Snapshot) -> None:
        self.rule = rule
        self.snapshot = snapshot
        self.out: dict[int, Reason] = {}
        for node in nodes:
            if reason := self._standing(node):
                self.out[node.id] = reason
        facts = [snapshot.facts_of(node) for node in nodes]
        wanted = rule.nodes
        self.full_at = {
            node.id: one.order_limit
            for node, one in zip(nodes, facts, strict=True)
            if wanted.keeps_order_limit and one.order_limit is not None
        }
        self.keeps_territory = wanted.keeps_territory or bool(wanted.service)
        self.territories = self.keeps_territory and any(one.territory for one in facts)
        self.looks = bool(
            self.out
            or self.full_at
            or self.territories
            or wanted.within_km is not None
            or wanted.min_stock_age is not None
        )

    def sift(
        self, candidates: Sequence[Candidate], order: OrderFacts, needs: Sequence[Need], *, explained: bool = True
    ) -> tuple[Sequence[Candidate], Mapping[int, Reason]]:
        """The candidates (nearest first) that the rule considers, and why by node id it does not consider the others.

        explained: False need not say so of those that are too far.
        """
        if not self.looks and not order.rejected:
            return candidates, {}
        within = self.rule.nodes.within_km
        if not explained and within is not None:
            near = bisect_right(candidates, float(within), key=lambda c: math.inf if c.km is None else c.km)
            candidates = candidates[:near]
        if not explained and not order.rejected and not self.territories and self.rule.nodes.min_stock_age is None:
            return self._quickly(candidates), {}
        kept, removed = [], {}
        for candidate in candidates:
            reason = self.out.get(candidate.node.id) or self._of_order(candidate, order, needs)
            if reason:
                removed[candidate.node.id] = reason
            else:
                kept.append(candidate)
        return kept, removed

    def _quickly(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates that are not out and not full; why the others are not considered is not asked."""
        out, full = self.out, self.full_at
        if not full:
            return [c for c in candidates if c.node.id not in out]
        given = self.snapshot.given
        return [
            c for c in candidates if c.node.id not in out and given.get(c.node.id, 0) < full.get(c.node.id, ENDLESS)
        ]

    def above(self, needs: Sequence[Need], stock: Stock, own: Stock) -> tuple[Stock, Stock]:
        """``stock`` of what is needed without the last units that the rule leaves at the nodes, and these units by SKU
        and node.

        own: the floors of the nodes themselves, as far as they count.
        """
        least = self.rule.nodes.floor
        if not own and not least:
            return stock, {}
        left: dict[int, Mapping[int, int]] = {}
        floors: dict[int, Mapping[int, int]] = {}
        for sku_id in {need.sku_id for need in needs}:
            at = left[sku_id] = stock.get(sku_id, NOWHERE)
            kept = own.get(sku_id, NOWHERE)
            if least:
                kept = {node: max(kept.get(node, 0), least) for node in at}
            if not kept or not at:
                continue
            floors[sku_id] = kept
            left[sku_id] = {node: max(units - kept.get(node, 0), 0) for node, units in at.items()}
        return left, floors

    def _standing(self, node: NodeView) -> Reason | None:
        """What takes ``node`` out for every order."""
        facts, wanted = self.snapshot.facts_of(node), self.rule.nodes
        if not facts.in_pool:
            return "not-in-pool", None
        if wanted.groups and not any(group in wanted.groups for group in facts.groups):
            return "group", {"groups": list(wanted.groups)}
        if wanted.service and wanted.service not in facts.services:
            return "service", {"service": wanted.service}
        lacking = [one for one in wanted.facilities if one not in facts.facilities]
        if lacking:
            return "facility", {"lacks": lacking}
        if wanted.open == "now" and node.id in self.snapshot.closed:
            opens = self.snapshot.closed[node.id]
            return "closed", {"until": opens.isoformat()} if opens else None
        return None

    def _of_order(self, candidate: Candidate, order: OrderFacts, needs: Sequence[Need]) -> Reason | None:
        node, wanted = candidate.node, self.rule.nodes
        if node.id in order.rejected:
            return "rejected", {"reason": order.rejected[node.id]}
        if wanted.within_km is not None and (candidate.km is None or candidate.km > wanted.within_km):
            return "beyond", {"km": wanted.within_km}
        facts = self.snapshot.facts_of(node)
        if self.keeps_territory and facts.territory and not lies_in(order, facts.territory):
            return "territory", {"places": list(facts.territory)[:5]}
        if wanted.keeps_order_limit and facts.order_limit is not None:
            given = self.snapshot.given.get(node.id, 0)
            if given >= facts.order_limit:
                return "order-limit", {"given": given, "limit": facts.order_limit}
        if wanted.min_stock_age is not None:
            ages = [self.snapshot.ages.get(need.sku_id, NOWHERE).get(node.id, 0) for need in needs]
            if min(ages) < wanted.min_stock_age:
                return "young", {"days": min(ages), "least": wanted.min_stock_age}
        return None
