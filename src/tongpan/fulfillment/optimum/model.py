"""What is asked of the optimum and what it answers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from tongpan.fulfillment.routing.basics import Distance, Need, NodeView, Pick

FAR = 300_000
"""The cost of a parcel over an unknown distance, in tenths of a kilometre: farther than any place on Earth."""


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
