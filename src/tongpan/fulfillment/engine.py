"""Routing: which node ships an order, and why not the others. Pure: a snapshot of stock goes in, a plan comes out.

The policy, in order:

1. ``named-node``: the channel says who ships a line (a marketplace's sellers): that node, no search.
2. ``nearest-with-all``: of the nodes that have all goods, the nearest; ties by node code.
3. ``fewest-nodes``: no node has all: the smallest set of nodes that has, of equal sets the one with the smallest
   sum of distances, then by node codes. Sets of up to three nodes are compared exhaustively; beyond that nodes are
   added one by one, each time the one that covers most of what is missing.

A node without coordinates, or an order without a known place, counts as equally far: then codes decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal, NamedTuple

POLICY = "nearest-then-fewest"
POLICY_VERSION = 1
_EXHAUSTIVE = 3


class NodeView(NamedTuple):
    """A node that may serve the order. latitude, longitude: degrees, or None. tracks_stock: False never lacks."""

    id: int
    code: str
    latitude: float | None
    longitude: float | None
    tracks_stock: bool = True


class Need(NamedTuple):
    """Units of one SKU that one order line still needs. wanted_node: node id named by the channel, or None."""

    order_line_id: int
    sku_id: int
    qty: int
    wanted_node: int | None = None


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
    "chosen"|"eliminated", "why": "short"|"farther"|"more-nodes"|"named", "missing": [SKU ids], "rank": n}],
    "short": [{"sku_id", "have", "need"}]}
    """

    outcome: Literal["routed", "unfillable"]
    rule: str
    picks: Sequence[Pick] = ()
    explanation: dict[str, Any] = field(default_factory=dict)


Distance = Callable[[float, float, float, float], float]
Stock = Mapping[tuple[int, int], int]
"""Free units by (SKU id, node id)."""


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
) -> Plan:
    """Route one order. ``stock`` is what is free now, this order's own reservation not counted against it."""
    if any(need.wanted_node is not None for need in needs):
        return _named(needs, nodes, stock)
    candidates = _candidates(needs, place, nodes, stock, distance)
    whole = [c for c in candidates if not c.missing]
    if whole:
        chosen = [whole[0].node]
        rule = "nearest-with-all"
    else:
        short = _short(needs, nodes, stock)
        if short or not candidates:
            return Plan(
                "unfillable", "no-stock" if nodes else "no-node", (), _explain(candidates, [], "") | {"short": short}
            )
        chosen = _fewest(needs, candidates, stock)
        rule = "fewest-nodes"
    return Plan("routed", rule, _pick(needs, chosen, stock), _explain(candidates, [n.id for n in chosen], rule))


def _free(stock: Stock, sku_id: int, node: NodeView) -> int:
    return stock.get((sku_id, node.id), 0) if node.tracks_stock else 1 << 40


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
    """Every node with what it has of the order, nearest first."""
    totals = list(_totals(needs).items())
    found = []
    for node in nodes:
        km = None
        if place is not None and node.latitude is not None and node.longitude is not None:
            km = round(distance(place[0], place[1], node.latitude, node.longitude), 1)
        node_id = node.id
        missing = (
            [sku_id for sku_id, qty in totals if stock.get((sku_id, node_id), 0) < qty] if node.tracks_stock else []
        )
        found.append(_Candidate(node, km, len(totals) - len(missing), missing))
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
    for size in range(2, _EXHAUSTIVE + 1):
        covering = [
            chosen
            for chosen in combinations(useful, size)
            if all(sum(_free(stock, sku_id, c.node) for c in chosen) >= qty for sku_id, qty in totals.items())
        ]
        if covering:
            best = min(covering, key=lambda s: (sum(c.km or 0.0 for c in s), [c.node.code for c in s]))
            return [c.node for c in best]
    return _greedy(totals, useful, stock)


def _greedy(totals: Mapping[int, int], useful: Sequence[_Candidate], stock: Stock) -> list[NodeView]:
    left = dict(totals)
    chosen: list[NodeView] = []
    while any(left.values()):
        rest = [c for c in useful if c.node not in chosen]
        best = max(rest, key=lambda c: sum(min(_free(stock, sku, c.node), qty) for sku, qty in left.items()))
        chosen.append(best.node)
        left = {sku: qty - min(_free(stock, sku, best.node), qty) for sku, qty in left.items()}
    return chosen


def _pick(needs: Sequence[Need], chosen: Sequence[NodeView], stock: Stock) -> list[Pick]:
    """Take each line from the first chosen node that has it whole, else from several in their order."""
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


def _named(needs: Sequence[Need], nodes: Sequence[NodeView], stock: Stock) -> Plan:
    by_id = {node.id: node for node in nodes}
    used: dict[tuple[int, int], int] = {}
    picks, short = [], []
    for need in needs:
        node = by_id.get(need.wanted_node or 0)
        have = 0
        if node is not None:
            key = (need.sku_id, node.id)
            have = _free(stock, need.sku_id, node) - used.get(key, 0)
            used[key] = used.get(key, 0) + need.qty
        if node is None or have < need.qty:
            short.append({"sku_id": need.sku_id, "have": max(have, 0), "need": need.qty})
        else:
            picks.append(Pick(node.id, need.order_line_id, need.sku_id, need.qty))
    candidates = [
        {"node": node.code, "km": None, "have": len(picks), "of": len(needs), "outcome": "chosen", "why": "named"}
        for node in sorted({by_id[pick.node_id] for pick in picks}, key=lambda n: n.code)
    ]
    if short:
        return Plan("unfillable", "named-node", (), {"candidates": [], "short": short})
    return Plan("routed", "named-node", picks, {"candidates": candidates})


def _explain(candidates: Sequence[_Candidate], chosen: Sequence[int], rule: str) -> dict[str, Any]:
    rows = []
    for rank, c in enumerate(candidates, 1):
        row: dict[str, Any] = {
            "node": c.node.code, "km": c.km, "have": c.have, "of": c.have + len(c.missing), "rank": rank,
        }  # fmt: skip
        if c.node.id in chosen:
            row["outcome"] = "chosen"
        else:
            row["outcome"] = "eliminated"
            row["why"] = (
                "short" if c.missing and rule != "fewest-nodes" else "farther" if not c.missing else "more-nodes"
            )
            if c.missing:
                row["missing"] = c.missing[:5]
        rows.append(row)
    return {"candidates": rows}
