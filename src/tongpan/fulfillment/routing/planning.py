"""Routing: which node ships an order, and why not the others. Pure: a snapshot of stock goes in, a plan comes out.

The policy, in order:

1. ``named-node``: the channel says who ships a line (a marketplace's sellers): that node, no search. The lines of
   the order that name nobody are then routed by the rules below.
2. ``nearest-with-all``: of the nodes that have all goods, the nearest; ties by node code.
3. ``fewest-nodes``: no node has all: the smallest set of nodes that has; of equal sets the one with the smallest
   sum of distances, then the one that comes first when the nearest nodes, and of equally near ones the lower
   codes, are compared first. Kits are sent whole from one node wherever there is such a set.
   Sets of up to three nodes are searched, each size with a bound on the work; where none is found, nodes are
   added one by one, each time the one that covers most of what is missing.

A node without coordinates is farther than any other; without a known place all nodes are equally far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tongpan.fulfillment.routing.basics import (
    NOWHERE_AT_ALL,
    Distance,
    Need,
    NodeView,
    Pick,
    Plan,
    Stock,
    candidates_of,
    free,
    shortage,
)
from tongpan.fulfillment.routing.explaining import explain
from tongpan.fulfillment.routing.picking import apart, pick, together

POLICY = "nearest-then-fewest"
POLICY_VERSION = 1


def plan(
    needs: Sequence[Need],
    place: tuple[float, float] | None,
    nodes: Sequence[NodeView],
    stock: Stock,
    distance: Distance,
    *,
    named: Mapping[int, NodeView] | None = None,
    floors: Stock = NOWHERE_AT_ALL,
) -> Plan:
    """Route one order, whole or not at all.

    nodes: those that serve the shop. stock: what is free now, this order's own reservation not counted against
    it. named: the nodes that lines name, by id, whether or not they serve the shop. floors: the last units that
    no node is asked for unless the channel names it.
    """
    asked = [need for need in needs if need.wanted_node is not None]
    if not asked:
        return _search(needs, place, nodes, stock, distance, floors=floors)
    first = by_name(asked, named or {}, stock)
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
    for taken in picks:
        at = left.get(taken.sku_id, {})
        if taken.node_id in at:
            at[taken.node_id] -= taken.qty
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
    candidates = candidates_of(needs, place, nodes, stock, distance)
    whole = [c for c in candidates if not c.missing]
    if whole:
        chosen = [whole[0].node]
        rule = "nearest-with-all"
    else:
        short = shortage(needs, nodes, stock)
        if short or not candidates:
            return Plan(
                "unfillable",
                "no-stock" if nodes else "no-node",
                (),
                explain(candidates, len(nodes), kept=kept) | {"short": short},
            )
        chosen, picks = together(needs, candidates, stock) or apart(needs, candidates, stock)
        return Plan("routed", "fewest-nodes", picks, explain(candidates, len(nodes), chosen, "fewest-nodes", kept))
    return Plan("routed", rule, pick(needs, chosen, stock), explain(candidates, len(nodes), chosen, rule, kept))


def _above(stock: Stock, floors: Stock, needs: Sequence[Need]) -> Stock:
    """``stock`` without the last units of the SKUs needed that the floors keep at their nodes."""
    above = dict(stock)
    for sku_id in {need.sku_id for need in needs} & floors.keys() & stock.keys():
        kept = floors[sku_id]
        above[sku_id] = {node: max(free - kept.get(node, 0), 0) for node, free in stock[sku_id].items()}
    return above


def by_name(needs: Sequence[Need], named: Mapping[int, NodeView], stock: Stock) -> Plan:
    used: dict[tuple[int, int], int] = {}
    picks, short = [], []
    for need in needs:
        node = named.get(need.wanted_node or 0)
        have = 0
        if node is not None:
            key = (need.sku_id, node.id)
            have = free(stock, need.sku_id, node) - used.get(key, 0)
            used[key] = used.get(key, 0) + need.qty
        if node is None or have < need.qty:
            short.append({"sku_id": need.sku_id, "have": max(have, 0), "need": need.qty})
        else:
            picks.append(Pick(node.id, need.order_line_id, need.sku_id, need.qty))
    if short:
        return Plan("unfillable", "named-node", (), {"candidates": [], "short": short})
    lines: dict[NodeView, int] = {}
    for taken in picks:
        lines[named[taken.node_id]] = lines.get(named[taken.node_id], 0) + 1
    candidates = [
        {"node": node.code, "km": None, "have": lines[node], "of": lines[node], "outcome": "chosen", "why": "named"}
        for node in sorted(lines, key=lambda n: n.code)
    ]
    return Plan("routed", "named-node", picks, {"candidates": candidates})
