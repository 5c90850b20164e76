"""The smallest set of nodes that together has everything. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tongpan.fulfillment.routing.basics import NOWHERE, Candidate, Need, NodeView, Stock, free, totals_of

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
    weight; empty when none was found, or the candidates together do not have everything. They come nearest first."""
    totals = totals_of(needs)
    columns = []
    for sku_id, qty in totals.items():
        at = stock.get(sku_id, NOWHERE)
        column = [min(at.get(c.node.id, 0), qty) if c.node.tracks_stock else qty for c in candidates]
        if sum(column) < qty:
            return []
        columns.append(column)
    rows = zip(candidates, zip(*columns, strict=True), strict=True)
    weighed = [(weigh(c), c.node.code, c, row) for c, row in rows if any(row)]
    if weigh is not by_distance:
        weighed.sort(key=lambda one: one[:2])
    covers = _Covers(list(totals.values()), [one[3] for one in weighed], [one[0] for one in weighed])
    for size in range(2, min(_SEARCHED, most or _SEARCHED) + 1):
        if found := covers.pair() if size == 2 else covers.triple():
            return [weighed[i][2].node for i in found]
    chosen = _greedy(totals, [one[2] for one in weighed], stock)
    return chosen if most is None or len(chosen) <= most else []


class _Covers:
    """Searches the pairs and triples of candidates that together have everything for the one with the least weight.

    need: units of each SKU. gives: what each candidate can give of each, the candidate with the least ``costs`` first,
    which come in ascending order. Who has at least so much of a SKU is a set of bits, one for each candidate: those
    that complete a set are the bits that the sets of all its missing units share, and the lowest is the best of them.
    """

    def __init__(self, need: Sequence[int], gives: Sequence[Sequence[int]], costs: Sequence[int]) -> None:
        self.need = need
        self.gives = gives
        self.costs = costs
        self._having: dict[tuple[int, int], int] = {}

    def pair(self) -> list[int]:
        """The best two candidates, by their positions; empty when no two have everything."""
        best = 0
        found: list[int] = []
        costs = self.costs
        for i in range(len(costs) - 1):
            if found and costs[i] + costs[i + 1] >= best:
                break
            j = self._completing(self._missing(self.need, i), i + 1)
            if j and (not found or costs[i] + costs[j] < best):
                best, found = costs[i] + costs[j], [i, j]
        return found

    def triple(self) -> list[int]:
        """The best three, by their positions; empty when none was found within the bound on the work."""
        best = work = 0
        found: list[int] = []
        costs, last = self.costs, len(self.costs) - 1
        two_of = self._two_most()
        for i in range(last - 1):
            if found and costs[i] + costs[i + 1] + costs[i + 2] >= best:
                break
            missing = self._missing(self.need, i)
            if any(two[i + 1] < units for two, units in zip(two_of, missing, strict=True)):
                continue
            for j in range(i + 1, last):
                work += 1
                if work > _WORK:
                    return found
                if found and costs[i] + costs[j] + costs[j + 1] >= best:
                    break
                k = self._completing(self._missing(missing, j), j + 1)
                if k and (not found or costs[i] + costs[j] + costs[k] < best):
                    best, found = costs[i] + costs[j] + costs[k], [i, j, k]
        return found

    def _missing(self, need: Sequence[int], i: int) -> list[int]:
        return [units - given if units > given else 0 for units, given in zip(need, self.gives[i], strict=True)]

    def _completing(self, missing: Sequence[int], start: int) -> int:
        """The first candidate from ``start`` on that has all of ``missing``; 0 when none has, or nothing is missing."""
        bits = -1
        for sku, units in enumerate(missing):
            if units:
                bits &= self._who_has(sku, units)
        if bits < 0:
            return 0
        bits >>= start
        return start + (bits & -bits).bit_length() - 1 if bits else 0

    def _who_has(self, sku: int, units: int) -> int:
        known = self._having.get((sku, units))
        if known is None:
            known = sum(1 << i for i, row in enumerate(self.gives) if row[sku] >= units)
            self._having[(sku, units)] = known
        return known

    def _two_most(self) -> list[list[int]]:
        """By SKU: what the two that have most of it give together, of the candidates from each position on."""
        found = []
        for sku in range(len(self.need)):
            most = second = 0
            sums = [0] * (len(self.gives) + 1)
            for i in range(len(self.gives) - 1, -1, -1):
                units = self.gives[i][sku]
                if units > most:
                    most, second = units, most
                elif units > second:
                    second = units
                sums[i] = most + second
            found.append(sums)
        return found


def _greedy(totals: Mapping[int, int], useful: Sequence[Candidate], stock: Stock) -> list[NodeView]:
    left = dict(totals)
    chosen: list[NodeView] = []
    while any(left.values()):
        rest = [c for c in useful if c.node not in chosen]
        best = max(rest, key=lambda c: sum(min(free(stock, sku, c.node), qty) for sku, qty in left.items()))
        chosen.append(best.node)
        left = {sku: qty - min(free(stock, sku, best.node), qty) for sku, qty in left.items()}
    return chosen
