"""Routing: which node ships an order, and why not the others. Pure: a snapshot of stock goes in, a plan comes out.

When the channel says who ships a line (a marketplace's sellers), that node does and there is no search: rule
``named-node``. The lines of the order that name nobody are then routed by the rules of the policy (``ladder``).

A node without coordinates is farther than any other; without a known place all nodes are equally far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tongpan.fulfillment.routing.basics import (
    NOWHERE_AT_ALL,
    Distance,
    Kms,
    Need,
    NodeView,
    Pick,
    Plan,
    Stock,
    free,
)
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.presets import DEFAULT, VERSION, preset

POLICY, POLICY_VERSION = DEFAULT, VERSION


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
    """Route one order by the policy that counts when no other does, whole or not at all.

    nodes: those that serve the shop. stock: what is free now, this order's own reservation not counted against
    it. named: the nodes that lines name, by id, whether or not they serve the shop. floors: the last units that
    no node is asked for unless the channel names it.
    """
    ladder = Ladder(preset(DEFAULT), nodes, Snapshot(stock, floors), distance, others=named)
    return plan_order(ladder, OrderFacts(place=place), needs, named=named)


def plan_order(
    ladder: Ladder,
    order: OrderFacts,
    needs: Sequence[Need],
    *,
    named: Mapping[int, NodeView] | None = None,
    explained: bool = True,
    kms: Kms | None = None,
) -> Plan:
    """Route one order on the snapshot of ``ladder``: the lines that name a node there, the others by the rules."""
    stock = ladder.snapshot.stock
    asked = [need for need in needs if need.wanted_node is not None]
    if not asked:
        return ladder.plan(order, needs, stock, explained=explained, kms=kms)
    if order.rejected:
        # Whoever refused an order does not get it again, even when the channel names it.
        asked = [need._replace(wanted_node=0) if need.wanted_node in order.rejected else need for need in asked]
    first = by_name(asked, named or {}, stock)
    rest = [need for need in needs if need.wanted_node is None]
    if not rest or first.outcome == "unfillable":
        return first
    second = ladder.plan(order, rest, _without(stock, first.picks), explained=explained, kms=kms)
    explanation = second.explanation
    if explained:
        explanation = explanation | {"candidates": first.explanation["candidates"] + second.explanation["candidates"]}
    picks = (*first.picks, *second.picks) if second.outcome == "routed" else ()
    return Plan(second.outcome, second.rule, picks, explanation, second.transfers)


def _without(stock: Stock, picks: Sequence[Pick]) -> Stock:
    left = dict(stock)
    for taken in picks:
        at = dict(left.get(taken.sku_id, {}))
        left[taken.sku_id] = at
        if taken.node_id in at:
            at[taken.node_id] -= taken.qty
    return left


def by_name(needs: Sequence[Need], named: Mapping[int, NodeView], stock: Stock) -> Plan:
    """Every line from the node that it names, or nothing of the order."""
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
