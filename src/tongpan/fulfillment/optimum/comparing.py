"""How far the ladder is from the optimum, both on the same snapshot. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tongpan.fulfillment.optimum.engine import MOST, optimum
from tongpan.fulfillment.optimum.model import Asked, Assignment, Cost, Optimum, Score, score_of
from tongpan.fulfillment.routing.basics import NOWHERE, Need, NodeView, Stock, candidates_of
from tongpan.fulfillment.routing.facts import OrderFacts, holds
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.planning import plan_order


class Turn(NamedTuple):
    """One order that is planned in its turn, by the ladder of its shop."""

    order: OrderFacts
    needs: Sequence[Need]
    ladder: Ladder


class Gap(NamedTuple):
    """The scores of both on the same orders; costs are those of the caller (``optimum.model.Cost``).

    loads: the parcels that the ladder gave each node, by node id. picks: what it took.
    """

    orders: int
    ladder: Score
    best: Optimum
    loads: Mapping[int, int]
    picks: Assignment

    @property
    def shares(self) -> tuple[float | None, float | None, float | None]:
        """How much more the ladder has than the best that was found, as a share of that, number by number; None of
        nothing. The numbers count in their order: fewer kilometres in more parcels are no gain."""
        more = zip(self.apart, self.best.score, strict=True)
        unfilled, parcels, cost = (round(apart / best, 6) if best else None if apart else 0.0 for apart, best in more)
        return unfilled, parcels, cost

    @property
    def apart(self) -> Score:
        """What the ladder has more of than the best assignment that was found."""
        ours, best = self.ladder, self.best.score
        return Score(ours.unfilled - best.unfilled, ours.parcels - best.parcels, ours.cost - best.cost)


def compare(
    turns: Sequence[Turn], nodes: Mapping[int, NodeView], stock: dict[int, dict[int, int]], cost: Cost, *,
    most: int = MOST,
) -> Gap:  # fmt: skip
    """Let the ladder plan ``turns`` one after the other, find the optimum of the same batch, and score both.

    nodes: all by id, those that a line or a buyer names among them. stock: free units, of which the ladders'
    snapshots are made; what the ladder takes is taken off. The optimum may use the nodes that some rule of the
    policy would consider for the order as the batch begins, splits no further than the loosest of these rules, and
    leaves the floors that all of them leave. Transfers are for neither.
    """
    return compare_by(turns, nodes, stock, [cost], most=most)[0]


def compare_by(
    turns: Sequence[Turn], nodes: Mapping[int, NodeView], stock: dict[int, dict[int, int]], costs: Sequence[Cost], *,
    most: int = MOST,
) -> list[Gap]:  # fmt: skip
    """``compare`` by each of ``costs``: one plan of the ladder, and an optimum of each."""
    batch = [_asked(turn, stock) for turn in turns]
    above = _above_floors(turns, stock)
    picks: Assignment = {}
    loads: Counter[int] = Counter()
    for turn in turns:
        made = plan_order(turn.ladder, turn.order, turn.needs, named=nodes, explained=False)
        if made.outcome != "routed":
            continue
        picks[turn.order.order_id] = list(made.picks)
        used = {pick.node_id for pick in made.picks}
        loads.update(used)
        given = turn.ladder.snapshot.given
        for pick in made.picks:
            if nodes[pick.node_id].tracks_stock:
                stock[pick.sku_id][pick.node_id] -= pick.qty
        for node_id in used:
            given[node_id] = given.get(node_id, 0) + 1
    found = []
    for cost in costs:
        best = optimum(batch, nodes, above, cost, known=picks, most=most)
        found.append(Gap(len(batch), score_of(batch, picks, nodes, cost), best, loads, picks))
    return found


def _asked(turn: Turn, stock: Stock) -> Asked:
    """What the policy permits for an order: the nodes that some rule considers, and the loosest split."""
    order, ladder = turn.order, turn.ladder
    free = [need for need in turn.needs if need.wanted_node is None]
    allowed: set[int] = set()
    parcels: list[int | None] = [1]
    keeps_kits = True
    for sieve, _ in ladder.steps_of(order):
        rule = sieve.rule
        if rule.transfer or not holds(rule.when, order):
            continue
        views = ladder.nodes
        if rule.nodes.only:
            views = [node for node in (*ladder.nodes, *ladder.others.values()) if node.id == order.pickup_node]
        found = candidates_of(free, order.place, views, stock, ladder.distance)
        allowed |= {candidate.node.id for candidate in sieve.sift(found, order, free)[0]}
        if rule.split and order.value >= rule.split.min_order_value:
            parcels.append(rule.split.max_parcels)
            keeps_kits = keeps_kits and rule.split.keeps_kits
        if rule.otherwise:
            break
    most = None if None in parcels else max(one for one in parcels if one is not None)
    if most is not None:
        # The nodes that lines name come on top.
        most += len({need.wanted_node for need in turn.needs if need.wanted_node})
    return Asked(order.order_id, turn.needs, order.place, sorted(allowed), most, keeps_kits)


def _above_floors(turns: Sequence[Turn], stock: Stock) -> dict[int, dict[int, int]]:
    """A copy of ``stock`` without the floors that every rule leaves; a node that a line or a buyer names keeps none."""
    ladders = {id(turn.ladder): turn.ladder for turn in turns}.values()
    rules = [sieve.rule for ladder in ladders for sieve, _ in ladder.steps]
    filters = [rule.nodes for rule in rules if not rule.transfer and not rule.nodes.only]
    least = min((one.floor for one in filters), default=0)
    keeps = all(one.keeps_floors for one in filters) and all(ladder.keeps_floors for ladder in ladders)
    floors = next((ladder.snapshot.floors for ladder in ladders), {}) if keeps else {}
    named = {need.wanted_node for turn in turns for need in turn.needs} | {turn.order.pickup_node for turn in turns}
    above: dict[int, dict[int, int]] = {}
    for sku_id, at in stock.items():
        own = floors.get(sku_id, NOWHERE)
        above[sku_id] = {
            node: units if node in named else max(units - max(own.get(node, 0), least), 0) for node, units in at.items()
        }
    return above
