"""Routing: which node ships an order, and why not the others. Pure: a snapshot of stock goes in, a plan comes out.

The policy, in order:

1. ``named-node``: the channel says who ships a line (a marketplace's sellers): that node, no search. The lines of
   the order that name nobody are then routed by the rules below.
2. ``nearest-with-all``: of the nodes that have all goods, the nearest; ties by node code.
3. ``fewest-nodes``: no node has all: the smallest set of nodes that has; of equal sets the one with the smallest
   sum of distances, then the one that comes first when the nearest nodes, and of equally near ones the lower
   codes, are compared first. Kits are sent whole from one node wherever there is such a set.
   Sets of up to three nodes are searched, each size for at most ``_WORK`` steps; where none is found, nodes are
   added one by one, each time the one that covers most of what is missing.

A node without coordinates is farther than any other; without a known place all nodes are equally far.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any, Literal, NamedTuple

POLICY = "nearest-then-fewest"
POLICY_VERSION = 1
_SEARCHED = 3
_WORK = 20_000
_LISTED = 20
"""So many nodes an explanation names: the nearest that have something of the order, and the chosen ones."""
_ENDLESS = 1 << 40
"""Units of a node whose stock is not ours to count."""


class NodeView(NamedTuple):
    """A node that may serve the order. latitude, longitude: degrees, or None. tracks_stock: False never lacks."""

    id: int
    code: str
    latitude: float | None
    longitude: float | None
    tracks_stock: bool = True


class Need(NamedTuple):
    """Units of one SKU that one order line still needs. wanted_node: node id named by the channel, or None.

    kits: for a part of a kit, how many kits its line has; else 0.
    """

    order_line_id: int
    sku_id: int
    qty: int
    wanted_node: int | None = None
    kits: int = 0


class Pick(NamedTuple):
    """``qty`` units of an order line shipped from one node."""

    node_id: int
    order_line_id: int
    sku_id: int
    qty: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What routing decided. picks is empty when outcome is "unfillable". explanation is plain JSON:

    {"candidates": [{"node": code, "km": float|None, "have": lines covered, "of": lines, "outcome":
    "chosen"|"eliminated", "why": "short"|"farther"|"more-nodes"|"named", "missing": [SKU ids], "rank": n,
    "floors": [{"sku_id", "floor", "leaves", "of"}] where a floor keeps back what is missing}],
    "others": nodes that are not named, farther away or without anything of the order (absent when there are none),
    "short": [{"sku_id", "have", "need"}]}
    """

    outcome: Literal["routed", "unfillable"]
    rule: str
    picks: Sequence[Pick] = ()
    explanation: dict[str, Any] = field(default_factory=dict)


Distance = Callable[[float, float, float, float], float]
Stock = Mapping[int, Mapping[int, int]]
"""Free units by SKU id, and of each SKU by node id."""


_NOWHERE: Mapping[int, int] = {}
_NOWHERE_AT_ALL: Stock = {}
_Left = dict[tuple[int, int], int]
"""Units not picked yet, by (SKU id, node id)."""


class _Candidate(NamedTuple):
    node: NodeView
    km: float | None
    have: int
    missing: list[int]


def plan(
    needs: Sequence[Need],
    place: tuple[float, float] | None,
    nodes: Sequence[NodeView],
    stock: Stock,
    distance: Distance,
    *,
    named: Mapping[int, NodeView] | None = None,
    floors: Stock = _NOWHERE_AT_ALL,
) -> Plan:
    """Route one order, whole or not at all.

    nodes: those that serve the shop. stock: what is free now, this order's own reservation not counted against
    it. named: the nodes that lines name, by id, whether or not they serve the shop. floors: the last units that
    no node is asked for unless the channel names it.
    """
    asked = [need for need in needs if need.wanted_node is not None]
    if not asked:
        return _search(needs, place, nodes, stock, distance, floors=floors)
    first = _named(asked, named or {}, stock)
    rest = [need for need in needs if need.wanted_node is None]
    if not rest or first.outcome == "unfillable":
        return first
    second = _search(rest, place, nodes, _without(stock, first.picks), distance, floors=floors)
    explanation = second.explanation | {
        "candidates": first.explanation["candidates"] + second.explanation["candidates"]
    }
    picks = (*first.picks, *second.picks) if second.outcome == "routed" else ()
    return Plan(second.outcome, second.rule, picks, explanation)


def _without(stock: Stock, picks: Sequence[Pick]) -> Stock:
    left = {sku_id: dict(at) for sku_id, at in stock.items()}
    for pick in picks:
        at = left.get(pick.sku_id, {})
        if pick.node_id in at:
            at[pick.node_id] -= pick.qty
    return left


def _search(
    needs: Sequence[Need],
    place: tuple[float, float] | None,
    nodes: Sequence[NodeView],
    on_shelf: Stock,
    distance: Distance,
    *,
    floors: Stock,
) -> Plan:
    stock = _above(on_shelf, floors, needs) if floors else on_shelf
    kept = (on_shelf, floors)
    candidates = _candidates(needs, place, nodes, stock, distance)
    whole = [c for c in candidates if not c.missing]
    if whole:
        chosen = [whole[0].node]
        rule = "nearest-with-all"
    else:
        short = _short(needs, nodes, stock)
        if short or not candidates:
            return Plan(
                "unfillable",
                "no-stock" if nodes else "no-node",
                (),
                _explain(candidates, len(nodes), kept=kept) | {"short": short},
            )
        chosen, picks = _together(needs, candidates, stock) or _apart(needs, candidates, stock)
        return Plan("routed", "fewest-nodes", picks, _explain(candidates, len(nodes), chosen, "fewest-nodes", kept))
    return Plan("routed", rule, _pick(needs, chosen, stock), _explain(candidates, len(nodes), chosen, rule, kept))


def _above(stock: Stock, floors: Stock, needs: Sequence[Need]) -> Stock:
    """``stock`` without the last units of the SKUs needed that the floors keep at their nodes."""
    above = dict(stock)
    for sku_id in {need.sku_id for need in needs} & floors.keys() & stock.keys():
        kept = floors[sku_id]
        above[sku_id] = {node: max(free - kept.get(node, 0), 0) for node, free in stock[sku_id].items()}
    return above


_Served = tuple[list[NodeView], list[Pick]]


def _apart(needs: Sequence[Need], candidates: Sequence[_Candidate], stock: Stock) -> _Served:
    """The fewest nodes when the parts of a kit may come from several."""
    chosen = _fewest(needs, candidates, stock)
    return chosen, _pick(needs, chosen, stock)


def _together(needs: Sequence[Need], candidates: Sequence[_Candidate], stock: Stock) -> _Served | None:
    """The fewest nodes that send every kit whole; None without kits, or when no nodes can.

    Each kit line is searched as a good of its own, of which a node has as many as its parts make.
    """
    kits = _kits(needs)
    if not kits:
        return None
    plain = [need for need in needs if need.order_line_id not in kits]
    whole = dict(stock)
    for line_id, parts in kits.items():
        plain.append(Need(line_id, -line_id, parts[0].kits))
        whole[-line_id] = {c.node.id: _makes(parts, c.node, stock) for c in candidates}
    nodes = [c.node for c in candidates]
    if _short(plain, nodes, whole):
        return None
    left = {(need.sku_id, node.id): _free(stock, need.sku_id, node) for need in needs for node in nodes}
    chosen = _fewest(plain, candidates, whole)
    picks = []
    for line_id, parts in kits.items():
        wanted = parts[0].kits
        for node in sorted(chosen, key=lambda n: _makes(parts, n, stock, left) < wanted):
            made = min(wanted, _makes(parts, node, stock, left))
            wanted -= made
            for part in parts if made else ():
                units = made * part.qty // part.kits
                left[(part.sku_id, node.id)] -= units
                picks.append(Pick(node.id, line_id, part.sku_id, units))
        if wanted:
            # Two kits, or a kit and a plain line, wanted the same units.
            return None
    others = _pick([need for need in needs if need.order_line_id not in kits], chosen, stock, left)
    if sum(p.qty for p in picks) + sum(p.qty for p in others) < sum(need.qty for need in needs):
        return None
    return chosen, picks + others


def _kits(needs: Sequence[Need]) -> dict[int, list[Need]]:
    """The parts of each line that is a kit, with ``kits`` such that every part divides by it."""
    lines: dict[int, list[Need]] = {}
    for need in needs:
        if need.kits:
            lines.setdefault(need.order_line_id, []).append(need)
    for line_id, parts in lines.items():
        if any(part.qty % part.kits for part in parts):
            lines[line_id] = [part._replace(kits=1) for part in parts]
    return lines


def _makes(parts: Sequence[Need], node: NodeView, stock: Stock, left: _Left | None = None) -> int:
    """How many kits of ``parts`` the node can send whole."""
    if left is not None:
        return min(left[(part.sku_id, node.id)] // (part.qty // part.kits) for part in parts)
    return min(_free(stock, part.sku_id, node) // (part.qty // part.kits) for part in parts)


def _free(stock: Stock, sku_id: int, node: NodeView) -> int:
    return stock.get(sku_id, _NOWHERE).get(node.id, 0) if node.tracks_stock else _ENDLESS


def _totals(needs: Sequence[Need]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for need in needs:
        totals[need.sku_id] = totals.get(need.sku_id, 0) + need.qty
    return totals


def _candidates(
    needs: Sequence[Need],
    place: tuple[float, float] | None,
    nodes: Sequence[NodeView],
    stock: Stock,
    distance: Distance,
) -> list[_Candidate]:
    """The nodes that have something of the order, nearest first; in a small network every node."""
    wanted = [(sku_id, qty, stock.get(sku_id, _NOWHERE)) for sku_id, qty in _totals(needs).items()]
    if len(nodes) > _LISTED:
        somewhere = {node_id for *_, at in wanted for node_id in at}
        nodes = [node for node in nodes if node.id in somewhere or not node.tracks_stock]
    found = []
    for node in nodes:
        km = None
        if place is not None and node.latitude is not None and node.longitude is not None:
            km = round(distance(place[0], place[1], node.latitude, node.longitude), 1)
        node_id = node.id
        missing = [sku_id for sku_id, qty, at in wanted if at.get(node_id, 0) < qty] if node.tracks_stock else []
        found.append(_Candidate(node, km, len(wanted) - len(missing), missing))
    found.sort(key=lambda c: (math.inf if c.km is None else c.km, c.node.code))
    return found


def _short(needs: Sequence[Need], nodes: Sequence[NodeView], stock: Stock) -> list[dict[str, int]]:
    """SKUs that all nodes together do not hold."""
    short = []
    for sku_id, qty in _totals(needs).items():
        have = sum(_free(stock, sku_id, node) for node in nodes)
        if have < qty:
            short.append({"sku_id": sku_id, "have": have, "need": qty})
    return short


def _fewest(needs: Sequence[Need], candidates: Sequence[_Candidate], stock: Stock) -> list[NodeView]:
    totals = _totals(needs)
    useful = [c for c in candidates if any(_free(stock, sku_id, c.node) for sku_id in totals)]
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

    def __init__(self, totals: Mapping[int, int], useful: Sequence[_Candidate], stock: Stock) -> None:
        self.useful = useful
        self.need = list(totals.values())
        # What each candidate can give of each SKU, and last of all SKUs together.
        self.gives = [[min(_free(stock, sku, c.node), qty) for sku, qty in totals.items()] for c in useful]
        for row in self.gives:
            row.append(sum(row))
        # Tenths of a kilometre: sums of integers do not depend on their order.
        self.costs = [(1, 0) if c.km is None else (0, round(c.km * 10)) for c in useful]
        self.work = 0
        self.best: tuple[tuple[int, int], list[int]] | None = None

    def cheapest(self, size: int) -> list[_Candidate]:
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


def _greedy(totals: Mapping[int, int], useful: Sequence[_Candidate], stock: Stock) -> list[NodeView]:
    left = dict(totals)
    chosen: list[NodeView] = []
    while any(left.values()):
        rest = [c for c in useful if c.node not in chosen]
        best = max(rest, key=lambda c: sum(min(_free(stock, sku, c.node), qty) for sku, qty in left.items()))
        chosen.append(best.node)
        left = {sku: qty - min(_free(stock, sku, best.node), qty) for sku, qty in left.items()}
    return chosen


def _pick(needs: Sequence[Need], chosen: Sequence[NodeView], stock: Stock, left: _Left | None = None) -> list[Pick]:
    """Take each line from the first chosen node that has it whole, else from several in their order.

    left: what is left of ``stock`` when something was picked before.
    """
    if left is None:
        left = {(need.sku_id, node.id): _free(stock, need.sku_id, node) for need in needs for node in chosen}
    picks = []
    for need in needs:
        wanted = need.qty
        order = sorted(chosen, key=lambda node: left[(need.sku_id, node.id)] < wanted)
        for node in order:
            qty = min(wanted, left[(need.sku_id, node.id)])
            if qty:
                left[(need.sku_id, node.id)] -= qty
                wanted -= qty
                picks.append(Pick(node.id, need.order_line_id, need.sku_id, qty))
            if not wanted:
                break
    return picks


def _named(needs: Sequence[Need], named: Mapping[int, NodeView], stock: Stock) -> Plan:
    used: dict[tuple[int, int], int] = {}
    picks, short = [], []
    for need in needs:
        node = named.get(need.wanted_node or 0)
        have = 0
        if node is not None:
            key = (need.sku_id, node.id)
            have = _free(stock, need.sku_id, node) - used.get(key, 0)
            used[key] = used.get(key, 0) + need.qty
        if node is None or have < need.qty:
            short.append({"sku_id": need.sku_id, "have": max(have, 0), "need": need.qty})
        else:
            picks.append(Pick(node.id, need.order_line_id, need.sku_id, need.qty))
    if short:
        return Plan("unfillable", "named-node", (), {"candidates": [], "short": short})
    lines: dict[NodeView, int] = {}
    for pick in picks:
        lines[named[pick.node_id]] = lines.get(named[pick.node_id], 0) + 1
    candidates = [
        {"node": node.code, "km": None, "have": lines[node], "of": lines[node], "outcome": "chosen", "why": "named"}
        for node in sorted(lines, key=lambda n: n.code)
    ]
    return Plan("routed", "named-node", picks, {"candidates": candidates})


def _explain(
    candidates: Sequence[_Candidate],
    of: int,
    chosen: Sequence[NodeView] = (),
    rule: str = "",
    kept: tuple[Stock, Stock] = (_NOWHERE_AT_ALL, _NOWHERE_AT_ALL),
) -> dict[str, Any]:
    """of: how many nodes serve the shop. kept: what is on the shelves, and the floors."""
    taken = {node.id for node in chosen}
    rows = []
    for rank, c in enumerate(candidates, 1):
        is_chosen = c.node.id in taken
        if rank > _LISTED and not is_chosen:
            continue
        row: dict[str, Any] = {
            "node": c.node.code, "km": c.km, "have": c.have, "of": c.have + len(c.missing), "rank": rank,
        }  # fmt: skip
        if is_chosen:
            row["outcome"] = "chosen"
        else:
            row["outcome"] = "eliminated"
            row["why"] = (
                "short" if c.missing and rule != "fewest-nodes" else "farther" if not c.missing else "more-nodes"
            )
            if c.missing:
                row["missing"] = c.missing[:5]
            if floors := _floors_at(c, *kept):
                row["floors"] = floors
        rows.append(row)
    return {"candidates": rows} if len(rows) == of else {"candidates": rows, "others": of - len(rows)}


def _floors_at(candidate: _Candidate, on_shelf: Stock, floors: Stock) -> list[dict[str, int]]:
    """The floors that keep back what the candidate lacks: "floor 2 leaves 1 of 3"."""
    found = []
    for sku_id in candidate.missing[:5]:
        floor = floors.get(sku_id, _NOWHERE).get(candidate.node.id, 0)
        have = on_shelf.get(sku_id, _NOWHERE).get(candidate.node.id, 0)
        if floor and have:
            found.append({"sku_id": sku_id, "floor": floor, "leaves": max(have - floor, 0), "of": have})
    return found
