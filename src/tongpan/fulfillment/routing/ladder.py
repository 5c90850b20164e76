"""The ladder of a policy's rules: the first whose nodes have all goods of an order decides. Pure.

One ``Ladder`` serves all orders of a shop in a batch: what a rule says about nodes alone is worked out once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tongpan.fulfillment.routing.basics import (
    Candidate,
    Distance,
    Ground,
    Kms,
    Move,
    Need,
    NodeView,
    Pick,
    Plan,
    Stock,
    shortage,
    totals_of,
)
from tongpan.fulfillment.routing.covers import Weigh, by_distance
from tongpan.fulfillment.routing.explaining import Losing, Reason, by_distance_alone, explain
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot, holds
from tongpan.fulfillment.routing.gathering import gather
from tongpan.fulfillment.routing.picking import apart, pick, together
from tongpan.fulfillment.routing.policy import Policy, Rule, Split
from tongpan.fulfillment.routing.ranking import Ranking
from tongpan.fulfillment.routing.sifting import Sieve

_Kept = tuple[Stock, Stock]
"""What is on the shelves, and the floors that count."""


@dataclass(slots=True)
class _Try:
    """One rule tried on one order. served: nodes and picks. why: nothing came of it, in one word:

    "none" (no node is left), "short" (none that is left has all goods, nor may they be split), "value" (the order
    is worth too little to be split), "parcels" (it would take too many), "waits" or "waited" (for a transfer).
    """

    rule: Rule
    ranking: Ranking
    all: Sequence[Candidate] = ()
    kept: _Kept = field(default=({}, {}))
    removed: Mapping[int, Reason] = field(default_factory=dict)
    nodes: Sequence[NodeView] = ()
    picks: Sequence[Pick] = ()
    moves: Sequence[Move] = ()
    is_split: bool = False
    why: str = ""


_Step = tuple[Sieve, Ranking]


@dataclass(slots=True)
class _Case:
    """One order that is planned. seen: candidates, stock above the floors, and floors, by which floors count."""

    order: OrderFacts
    needs: Sequence[Need]
    stock: Stock
    needed: Mapping[int, int]
    kms: Kms
    explained: bool
    seen: dict[tuple[bool, int], tuple[list[Candidate], Stock, Stock]] = field(default_factory=dict)


class Ladder:
    """The rules of ``policy`` on the nodes that serve one shop. others: nodes beside them that a buyer may name.

    keeps_floors: False for goods that have left already, which floors cannot keep back. currency: of the shop.
    """

    def __init__(
        self,
        policy: Policy,
        nodes: Sequence[NodeView],
        snapshot: Snapshot,
        distance: Distance,
        *,
        others: Mapping[int, NodeView] | None = None,
        keeps_floors: bool = True,
        currency: str = "",
    ) -> None:
        self.nodes = nodes
        self.ground = Ground(nodes, distance)
        self.snapshot = snapshot
        self.distance = distance
        self.others = others or {}
        self.keeps_floors = keeps_floors
        self.policy = policy
        self.currency = currency
        self.steps = [self._step(rule) for rule in policy.rules]
        self.ways: dict[tuple[str, bool], list[_Step]] = {}

    def plan(
        self,
        order: OrderFacts,
        needs: Sequence[Need],
        stock: Stock,
        *,
        explained: bool = True,
        kms: Kms | None = None,
    ) -> Plan:
        """Route what an order needs, whole or not at all.

        explained: False leaves the explanation empty. kms: what is known of distances to its place; it grows.
        """
        case = _Case(order, needs, stock, totals_of(needs), {} if kms is None else kms, explained)
        tried: list[_Try] = []
        for sieve, ranking in self.steps_of(order):
            if not holds(sieve.rule.when, order):
                continue
            made = self._try(sieve, ranking, case)
            if made.picks:
                told = self._told(made, case, tried) if explained else {}
                return Plan("routed", made.rule.name, made.picks, told)
            tried.append(made)
            if made.moves or made.why == "waits" or made.rule.otherwise:
                return self._stuck(tried, case, made.rule.name, made.rule.otherwise, explained=explained)
        return self._stuck(tried, case, "", self.policy.after.queue, explained=explained)

    def _step(self, rule: Rule) -> _Step:
        return Sieve(rule, self.nodes, self.snapshot), Ranking(rule, self.snapshot, self.currency)

    def steps_of(self, order: OrderFacts) -> Sequence[_Step]:
        """The rules to try: those of the order's way of delivery before those of all orders."""
        names_none = order.pickup_node is None
        if order.method in ("ship", "pickup") or (order.method == "dealer" and not names_none):
            return self.steps
        steps = self.ways.get((order.method, names_none))
        if steps is None:
            mine = [self._step(rule) for rule in self.policy.ways if order.method in rule.when.methods]
            steps = [*mine, *self.steps]
            if names_none:
                # A rule for the node that the order names says nothing about an order that names none.
                steps = [step for step in steps if not step[0].rule.nodes.only]
            self.ways[order.method, names_none] = steps
        return steps

    def _try(self, sieve: Sieve, ranking: Ranking, case: _Case) -> _Try:
        weigh: Weigh = by_distance
        if not ranking.is_by_distance:
            weigh = functools.partial(ranking.weight, needed=case.needed)
        if not case.explained and not sieve.rule.transfer and (made := self._quickly(sieve, ranking, case, weigh)):
            return made
        found, above, floors = self._field(sieve, case)
        left, removed = sieve.sift(found, case.order, case.needs, explained=case.explained)
        made = _Try(sieve.rule, ranking, found, (case.stock, floors), removed)
        if sieve.rule.transfer:
            self._gather(made, case, sorted(left, key=lambda c: (weigh(c), c.node.code)), above)
            return made
        whole = [c for c in left if not c.missing]
        if whole:
            made.nodes = [_best(whole, weigh)]
            made.picks = pick(case.needs, made.nodes, above)
        elif sieve.rule.split is None or not left:
            made.why = "short" if left else "none"
        elif case.order.value < sieve.rule.split.min_order_value:
            made.why = "value"
        else:
            self._split(made, case, left, above, weigh)
        return made

    def _quickly(self, sieve: Sieve, ranking: Ranking, case: _Case, weigh: Weigh) -> _Try | None:
        """What the rule decides when a node has everything, without a look at the others; None when none has."""
        ground, above, floors = self._ground(sieve, case)
        found = ground.candidates(case.needed, case.order.place, above, case.kms, is_whole=True)
        left, removed = sieve.sift(found, case.order, case.needs, explained=False)
        if not left:
            return None
        best = _best(left, weigh)
        picks = pick(case.needs, [best], above)
        return _Try(sieve.rule, ranking, found, (case.stock, floors), removed, [best], picks)

    def _field(self, sieve: Sieve, case: _Case) -> tuple[list[Candidate], Stock, Stock]:
        """The candidates of a rule, the stock above the floors that count for it, and these floors."""
        wanted = sieve.rule.nodes
        key = (wanted.keeps_floors and self.keeps_floors, wanted.floor)
        if not wanted.only and key in case.seen:
            return case.seen[key]
        ground, above, floors = self._ground(sieve, case)
        found = ground.candidates(case.needed, case.order.place, above, case.kms), above, floors
        if not wanted.only:
            case.seen[key] = found
        return found

    def _ground(self, sieve: Sieve, case: _Case) -> tuple[Ground, Stock, Stock]:
        """Where a rule looks for nodes, the stock above the floors that count for it, and these floors."""
        wanted, chosen, ground = sieve.rule.nodes, case.order.pickup_node, self.ground
        if wanted.only:
            node = ground.by_id.get(chosen or 0) or self.others.get(chosen or 0)
            ground = Ground([node] if node else [], self.distance)
        keeps = wanted.keeps_floors and self.keeps_floors
        above, floors = sieve.above(case.needs, case.stock, self.snapshot.floors if keeps else {})
        return ground, above, floors

    def _split(self, made: _Try, case: _Case, left: Sequence[Candidate], above: Stock, weigh: Weigh) -> None:
        split = made.rule.split or Split()
        served = together(case.needs, left, above, weigh, split.max_parcels)
        if served is None and not (split.keeps_kits and any(need.kits for need in case.needs)):
            served = apart(case.needs, left, above, weigh, split.max_parcels)
        if served:
            made.is_split = True
            made.nodes, made.picks = served
        else:
            made.why = "short" if shortage(case.needs, [c.node for c in left], above) else "parcels"

    def _gather(self, made: _Try, case: _Case, targets: Sequence[Candidate], above: Stock) -> None:
        if case.order.awaits == made.rule.name:
            made.why = "waited" if case.order.waited else "waits"
            return
        givers = [node for node in self.nodes if node.id not in case.order.rejected]
        for target in targets:
            made.moves = gather(case.needs, target.node, givers, above, self.distance)
            if made.moves:
                return
        made.why = "short" if targets else "none"

    def _told(self, made: _Try, case: _Case, tried: Sequence[_Try]) -> dict[str, Any]:
        ranking = made.ranking
        losing: Losing = by_distance_alone
        if not ranking.is_by_distance and made.picks:
            losing = _losing(made, ranking, case.needed)
        told = explain(
            made.all,
            len(self.nodes),
            made.nodes,
            made.kept,
            is_split=made.is_split,
            removed=made.removed,
            losing=losing,
        )
        if not ranking.is_by_distance:
            told["ranks"] = [key for key, _ in ranking.keys]
        before = [_summary(one) for one in tried if one is not made]
        if before:
            told["tried"] = before
        if case.order.is_vague:
            told["place"] = "unknown" if case.order.place is None else "province"
        return told

    def _stuck(self, tried: Sequence[_Try], case: _Case, name: str, queue: str, *, explained: bool) -> Plan:
        """Nothing was found. name: of the rule that ended the search, "" when all were tried."""
        last = tried[-1] if tried else None
        moves = last.moves if last else ()
        stock, floors = last.kept if last else (self.snapshot.stock, {})
        short = [] if moves else shortage(case.needs, self.nodes, _less(stock, floors))
        rule = name or self._reason(tried, short)
        if not explained:
            return Plan("unfillable", rule, (), {}, moves)
        told: dict[str, Any] = {"candidates": [], "others": len(self.nodes)} if self.nodes else {"candidates": []}
        if last and self.nodes:
            told = self._told(last, case, tried)
            if len(tried) > 1 or last.why not in ("short", "none"):
                told["ended"] = {"rule": last.rule.name, "why": last.why}
        told["short"] = short
        if queue:
            told["queue"] = queue
        if moves:
            codes = {node.id: node.code for node in self.nodes}
            told["transfers"] = [
                {"from": codes[move.from_id], "to": codes[move.to_id], "sku_id": move.sku_id, "qty": move.qty}
                for move in moves
            ]
        return Plan("unfillable", rule, (), told, moves)

    def _reason(self, tried: Sequence[_Try], short: Sequence[Any]) -> str:
        if not self.nodes:
            return "no-node"
        if short or not tried:
            return "no-stock" if short else "no-rule"
        out = {code for one in tried for code, _ in one.removed.values()}
        if "rejected" in out and all(one.why in ("none", "short") for one in tried):
            left = [c for one in tried for c in one.all if c.node.id not in one.removed and not c.missing]
            if not left:
                return "all-rejected"
        return "no-rule" if out or any(one.why in ("value", "parcels", "waited") for one in tried) else "no-stock"


def _losing(made: _Try, ranking: Ranking, needed: Mapping[int, int]) -> Losing:
    winner = next((c for c in made.all if c.node.id == made.nodes[0].id), made.all[0])
    best = ranking.values(winner, needed)

    def losing(candidate: Candidate) -> tuple[str, Mapping[str, Any] | None, Sequence[int | None]]:
        values = ranking.values(candidate, needed)
        return "worse", {"by": ranking.differs_by(best, values)}, values

    return losing


def _best(whole: Sequence[Candidate], weigh: Weigh) -> NodeView:
    """The best of candidates that have everything; they come nearest first."""
    if weigh is by_distance or len(whole) == 1:
        return whole[0].node
    return min(whole, key=lambda c: (weigh(c), c.node.code)).node


def _less(stock: Stock, floors: Stock) -> Stock:
    if not floors:
        return stock
    return dict(stock) | {
        sku_id: {node: max(units - kept.get(node, 0), 0) for node, units in stock.get(sku_id, {}).items()}
        for sku_id, kept in floors.items()
    }


def _summary(one: _Try) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for code, _ in one.removed.values():
        counts[code] = counts.get(code, 0) + 1
    told: dict[str, Any] = {"rule": one.rule.name, "why": one.why}
    return told | {"removed": counts} if counts else told
