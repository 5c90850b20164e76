"""The smallest set of nodes that together has everything. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import nlargest

from tongpan.fulfillment.routing.basics import Candidate, Need, NodeView, Stock, free, totals_of

_SEARCHED = 3
_WORK = 20_000


def fewest(needs: Sequence[Need], candidates: Sequence[Candidate], stock: Stock) -> list[NodeView]:
    totals = totals_of(needs)
    useful = [c for c in candidates if any(free(stock, sku_id, c.node) for sku_id in totals)]
    for size in range(2, _SEARCHED + 1):
        found = _Covers(totals, useful, stock).cheapest(size)
        if found:
            return [c.node for c in found]
    return _greedy(totals, useful, stock)


class _Covers:
    """Searches the sets of ``size`` candidates that together have everything for the one with the least distance.

    Depth first over the candidates, nearest first. A branch is left when even the best candidates that remain
    cannot cover what is missing, or when even the nearest ones make it no better than the best set found.
    """

    def __init__(self, totals: Mapping[int, int], useful: Sequence[Candidate], stock: Stock) -> None:
        self.useful = useful
        self.need = list(totals.values())
        # What each candidate can give of each SKU, and last of all SKUs together.
        self.gives = [[min(free(stock, sku, c.node), qty) for sku, qty in totals.items()] for c in useful]
        for row in self.gives:
            row.append(sum(row))
        # Tenths of a kilometre: sums of integers do not depend on their order.
        self.costs = [(1, 0) if c.km is None else (0, round(c.km * 10)) for c in useful]
        self.work = 0
        self.best: tuple[tuple[int, int], list[int]] | None = None

    def cheapest(self, size: int) -> list[Candidate]:
        """The best set of exactly ``size`` candidates, in their order; empty when none was found."""
        if self._can_cover([*self.need, sum(self.need)], size, 0):
            self._extend([], [*self.need, sum(self.need)], (0, 0), size)
        return [self.useful[i] for i in self.best[1]] if self.best else []

    def _extend(self, chosen: list[int], left: list[int], cost: tuple[int, int], size: int) -> None:
        start = chosen[-1] + 1 if chosen else 0
        for i in range(start, len(self.useful) - size + 1):
            self.work += 1
            if self.work > _WORK or (self.best and self._at_least(cost, i, size) >= self.best[0]):
                return
            gives = self.gives[i]
            missing = [max(0, a - b) for a, b in zip(left[:-1], gives[:-1], strict=True)]
            missing.append(sum(missing))
            total = (cost[0] + self.costs[i][0], cost[1] + self.costs[i][1])
            if not missing[-1]:
                if size == 1 and (self.best is None or total < self.best[0]):
                    self.best = (total, [*chosen, i])
            elif size > 1 and self._can_cover(missing, size - 1, i + 1):
                self._extend([*chosen, i], missing, total, size - 1)

    def _at_least(self, cost: tuple[int, int], start: int, size: int) -> tuple[int, int]:
        nearest = self.costs[start : start + size]
        return cost[0] + sum(c[0] for c in nearest), cost[1] + sum(c[1] for c in nearest)

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
