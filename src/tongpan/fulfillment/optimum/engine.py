"""The best assignment of a batch of orders to nodes. Pure.

The best leaves the fewest orders out; of those it makes the fewest parcels; of those it is the cheapest. The ladder
decides order by order, and an early one may take what a later one needed more. This looks at the whole batch at once,
over the same needs, nodes, stock and distances. It is a measure, not a way to route: it knows the orders that have not
come yet.

Nodes that some best assignment does without are left out first (``parts.narrow``). Orders of which none could lack what
another one takes are solved apart; an order that nobody competes with and that one node has whole needs no solver. A
part that is larger than ``most`` variables is cut, in the order of the batch, into pieces that are solved one after the
other on what is left; its bound is then what its orders would get if each were alone, and the answer says that such a
part is open. Whole numbers throughout, and no clock: the same batch has the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tongpan.fulfillment.optimum.model import NOTHING, Asked, Assignment, Cost, Optimum, Score, score_of
from tongpan.fulfillment.optimum.parts import (
    Case,
    Cell,
    Ground,
    case_of,
    from_one_node,
    independent,
    narrow,
    scarce_cells,
)
from tongpan.fulfillment.optimum.solving import Solved, size_of, solve
from tongpan.fulfillment.routing.basics import NodeView, Pick, Stock

MOST = 20_000
"""Variables of the largest part that is solved whole: some hundred orders that compete with one another."""


def optimum(
    batch: Sequence[Asked],
    nodes: Mapping[int, NodeView],
    stock: Stock,
    cost: Cost,
    *,
    known: Mapping[int, Sequence[Pick]] | None = None,
    most: int = MOST,
) -> Optimum:
    """The best assignment of ``batch``, in its order. nodes: by id. stock: free units.

    known: the assignment of somebody else, such as the ladder; it stands for a part that is cut where it is better.
    """
    ground = Ground(nodes, stock, cost)
    cases = [case_of(asked, ground) for asked in batch if asked.needs]
    able = narrow([case for case in cases if not case.is_hopeless], ground)
    hopeless = Score(len(cases) - len(able), 0, 0)
    scarce = scarce_cells(able, ground)
    picks: Assignment = {}
    score, bound = hopeless, hopeless
    parts, still_open = independent(able, scarce), 0
    for part in parts:
        if size_of(part) <= most or len(part) == 1:
            made = _solved(part, scarce)
        else:
            made = _cut(part, ground, known or {}, most)
        still_open += made.bound != made.score
        picks |= made.picks
        score, bound = score.plus(made.score), bound.plus(made.bound)
    return Optimum(picks, score, bound, len(parts), still_open)


def _solved(part: Sequence[Case], scarce: Mapping[Cell, int]) -> Solved:
    if len(part) == 1 and (node_id := from_one_node(part[0], scarce)) is not None:
        [case] = part
        score = Score(0, 1, case.costs[node_id])
        picks = [pick for item in case.items for pick in item.picks(node_id, item.count)]
        return Solved({case.asked.order_id: picks}, score, score)
    return solve(part, scarce)


def _cut(part: Sequence[Case], ground: Ground, known: Mapping[int, Sequence[Pick]], most: int) -> Solved:
    left = {sku_id: dict(at) for sku_id, at in ground.stock.items()}
    remaining = ground._replace(stock=left)
    picks: Assignment = {}
    for piece in _pieces(part, most):
        cases = [case_of(case.asked, remaining) for case in piece]
        able = narrow([case for case in cases if not case.is_hopeless], remaining)
        if not able:
            continue
        made = solve(able, scarce_cells(able, remaining))
        picks |= made.picks
        for pick in (pick for taken in made.picks.values() for pick in taken):
            if ground.nodes[pick.node_id].tracks_stock:
                left[pick.sku_id][pick.node_id] -= pick.qty
    batch = [case.asked for case in part]
    score = score_of(batch, picks, ground.nodes, ground.cost)
    other = {asked.order_id: list(known[asked.order_id]) for asked in batch if known.get(asked.order_id)}
    if known and (theirs := score_of(batch, other, ground.nodes, ground.cost)) < score:
        picks, score = other, theirs
    bound = NOTHING
    for case in part:
        bound = bound.plus(_solved([case], scarce_cells([case], ground)).bound)
    return Solved(picks, score, bound)


def _pieces(part: Sequence[Case], most: int) -> list[list[Case]]:
    pieces: list[list[Case]] = [[]]
    size = 0
    for case in part:
        own = size_of([case])
        if pieces[-1] and size + own > most:
            pieces.append([])
            size = 0
        pieces[-1].append(case)
        size += own
    return pieces
