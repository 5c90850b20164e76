"""The smallest set of nodes that together has everything. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import nlargest

from tongpan.fulfillment.routing.basics import Candidate, Need, NodeView, Stock, free, totals_of

_SEARCHED = 3
_WORK = 20_000
_FAR = 1 << 40
"""The distance of a node without one, in tenths of a kilometre: farther than any sum of others."""


Weigh = Callable[[Candidate], int]
"""How good a candidate is; the lower, the better. Of two sets of one size the one with the lower sum is better."""


def by_distance(candidate: Candidate) -> int:
    """Tenths of a kilometre: sums of integers do not depend on their order."""
    return _FAR if candidate.km is None else round(candidate.km * 10)


def fewest(
    needs: Sequence[Need],
    candidates: Sequence[Candidate],
    stock: Stock,
    weigh: Weigh = by_distance,
    most: int | None = None,
) -> list[NodeView]:
    """The smallest set of at most ``most`` nodes that together has everything, of equal ones that with the least
    weight; empty when none was found. The candidates together have everything; they come nearest first."""
    totals = totals_of(needs)
    useful = [c for c in candidates if any(free(stock, sku_id, c.node) for sku_id in totals)]
    weights = [weigh(c) for c in useful]
    if weigh is not by_distance:
        order = sorted(range(len(useful)), key=lambda i: (weights[i], useful[i].node.code))
        useful, weights = [useful[i] for i in order], [weights[i] for i in order]
    for size in range(2, min(_SEARCHED, most or _SEARCHED) + 1):
        found = _Covers(totals, useful, weights, stock).cheapest(size)
        if found:
            return [c.node for c in found]
    chosen = _greedy(totals, useful, stock)
    return chosen if most is None or len(chosen) <= most else []


class _Covers:
    """Searches the sets of ``size`` candidates that together have everything for the one with the least weight.

    Depth first over the candidates, the best first. A branch is left when even the most giving candidates that
    remain cannot cover what is missing, or when even the best ones make it no better than the best set found.
    """

    def __init__(
        self, totals: Mapping[int, int], useful: Sequence[Candidate], weights: Sequence[int], stock: Stock
    ) -> None:
        self.useful = useful
        self.need = list(totals.values())
        # What each candidate can give of each SKU, and last of all SKUs together.
        self.gives = [[min(free(stock, sku, c.node), qty) for sku, qty in totals.items()] for c in useful]
        for row in self.gives:
            row.append(sum(row))
        self.costs = weights
        self.work = 0
        self.best: tuple[int, list[int]] | None = None

    def cheapest(self, size: int) -> list[Candidate]:
        """The best set of exactly ``size`` candidates, in their order; empty when none was found."""
        if self._can_cover([*self.need, sum(self.need)], size, 0):
            self._extend([], [*self.need, sum(self.need)], 0, size)
        return [self.useful[i] for i in self.best[1]] if self.best else []

    def _extend(self, chosen: list[int], left: list[int], cost: int, size: int) -> None:
        start = chosen[-1] + 1 if chosen else 0
        for i in range(start, len(self.useful) - size + 1):
            self.work += 1
            if self.work > _WORK or (self.best and self._at_least(cost, i, size) >= self.best[0]):
                return
            gives = self.gives[i]
            missing = [max(0, a - b) for a, b in zip(left[:-1], gives[:-1], strict=True)]
            missing.append(sum(missing))
            total = cost + self.costs[i]
            if not missing[-1]:
                if size == 1 and (self.best is None or total < self.best[0]):
                    self.best = (total, [*chosen, i])
            elif size > 1 and self._can_cover(missing, size - 1, i + 1):
                self._extend([*chosen, i], missing, total, size - 1)

    def _at_least(self, cost: int, start: int, size: int) -> int:
        return cost + sum(self.costs[start : start + size])

    def _can_cover(self, left: list[int], size: int, start: int) -> bool:
        """False when even the ``size`` most giving candidates from ``start`` on fall short, of some SKU or of all."""
        rest = self.gives[start:]
        self.work += len(rest) * len(left) // 50
        return all(sum(nlargest(size, (row[k] for row in rest))) >= qty for k, qty in enumerate(left) if qty)


def _greedy(totals: Mapping[int, int], useful: Sequence[Candidate], stock: Stock) -> list[NodeView]:
    left = dict(totals)
    chosen: list[NodeView] = []
    while any(left.values()):
        rest = [c for c in useful if c.node not in chosen]
        best = max(rest, key=lambda c: sum(min(free(stock, sku, c.node), qty) for sku, qty in left.items()))
        chosen.append(best.node)
        left = {sku: qty - min(free(stock, sku, best.node), qty) for sku, qty in left.items()}
    return chosen
