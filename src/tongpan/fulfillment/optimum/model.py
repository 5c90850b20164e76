"""What is asked of the optimum and what it answers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from tongpan.fulfillment.routing.basics import Distance, Need, NodeView, Pick
from tongpan.fulfillment.routing.facts import NodeFacts
from tongpan.fulfillment.routing.ranking import cost_of

FAR = 300_000
"""The cost of a parcel over an unknown distance, in tenths of a kilometre: farther than any place on Earth. Of one
whose cost is not known, in minor units."""


class Asked(NamedTuple):
    """One order that the batch may serve, whole or not at all.

    place: degrees, or None. allowed: ids of the nodes that may serve it (a node that a line names may in any case).
    max_parcels: from so many nodes at most; None as many as it takes. keeps_kits: the parts of a kit come from one
    node.
    """

    order_id: int
    needs: Sequence[Need]
    place: tuple[float, float] | None
    allowed: Collection[int]
    max_parcels: int | None = None
    keeps_kits: bool = True


class Score(NamedTuple):
    """What an assignment is judged by, the first number first; the lower, the better.

    unfilled: orders that get nothing. parcels: pairs of an order and a node. cost: the sum over the parcels.
    """

    unfilled: int
    parcels: int
    cost: int

    def plus(self, other: Score) -> Score:
        """The sum, number by number."""
        return Score(self.unfilled + other.unfilled, self.parcels + other.parcels, self.cost + other.cost)


NOTHING = Score(0, 0, 0)
Cost = Callable[[Asked, NodeView], int]
"""What a parcel to the order from the node costs: a whole number, not below zero."""
Assignment = dict[int, list[Pick]]
"""The picks of each order that is served, by order id."""


class Optimum(NamedTuple):
    """bound: no assignment has a lower score. is_proven: the score is the bound, so this one is the best there is.

    parts: independent parts of the batch. open: those of them that were too large to be solved to the end.
    """

    picks: Assignment
    score: Score
    bound: Score
    parts: int
    open: int

    @property
    def is_proven(self) -> bool:
        """True when nothing can be better."""
        return self.score == self.bound


def by_distance(distance: Distance) -> Cost:
    """Costs that are the distance of each parcel in tenths of a kilometre."""

    def cost(asked: Asked, node: NodeView) -> int:
        if asked.place is None or node.latitude is None or node.longitude is None:
            return FAR
        return round(distance(*asked.place, node.latitude, node.longitude) * 10)

    return cost


def by_cost(facts: Mapping[int, NodeFacts], distance: Distance, currency: str) -> Cost:
    """Costs that are those of each parcel in minor units of ``currency``, rounded as the ladder rounds them; one that
    is not known, or in another currency, is FAR."""

    def cost(asked: Asked, node: NodeView) -> int:
        said = facts.get(node.id)
        if said is None or said.currency not in ("", currency):
            return FAR
        km = None
        if asked.place is not None and node.latitude is not None and node.longitude is not None:
            km = round(distance(*asked.place, node.latitude, node.longitude) * 10) / 10
        paid = cost_of(said.base_cost, said.cost_per_km, km)
        return FAR if paid is None else paid

    return cost


def score_of(
    batch: Sequence[Asked], picks: Mapping[int, Sequence[Pick]], nodes: Mapping[int, NodeView], cost: Cost
) -> Score:
    """How good an assignment of ``batch`` is, whoever made it."""
    unfilled = parcels = total = 0
    for asked in batch:
        given = picks.get(asked.order_id)
        if not given:
            unfilled += 1
            continue
        used = {pick.node_id for pick in given}
        parcels += len(used)
        total += sum(cost(asked, nodes[node_id]) for node_id in used)
    return Score(unfilled, parcels, total)
