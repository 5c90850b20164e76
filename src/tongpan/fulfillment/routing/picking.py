"""Which units of an order come from which of the chosen nodes; kits are sent whole where that can be. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.fulfillment.routing.basics import Candidate, Left, Need, NodeView, Pick, Stock, free
from tongpan.fulfillment.routing.covers import Weigh, by_distance, fewest

Served = tuple[list[NodeView], list[Pick]]


def apart(
    needs: Sequence[Need],
    candidates: Sequence[Candidate],
    stock: Stock,
    weigh: Weigh = by_distance,
    most: int | None = None,
) -> Served | None:
    """The fewest nodes, at most ``most``, when the parts of a kit may come from several; None when none do."""
    chosen = fewest(needs, candidates, stock, weigh, most)
    return (chosen, pick(needs, chosen, stock)) if chosen else None


def together(
    needs: Sequence[Need],
    candidates: Sequence[Candidate],
    stock: Stock,
    weigh: Weigh = by_distance,
    most: int | None = None,
) -> Served | None:
    """The fewest nodes, at most ``most``, that send every kit whole; None without kits, or when no nodes can.

    Each kit line is searched as a good of its own, of which a node has as many as its parts make.
    """
    kits = kits_of(needs)
    if not kits:
        return None
    plain = [need for need in needs if need.order_line_id not in kits]
    whole = dict(stock)
    for line_id, parts in kits.items():
        plain.append(Need(line_id, -line_id, parts[0].kits))
        whole[-line_id] = {c.node.id: _makes(parts, c.node, stock) for c in candidates}
    chosen = fewest(plain, candidates, whole, weigh, most)
    if not chosen:
        return None
    left = {(need.sku_id, node.id): free(stock, need.sku_id, node) for need in needs for node in chosen}
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
    others = pick([need for need in needs if need.order_line_id not in kits], chosen, stock, left)
    if sum(p.qty for p in picks) + sum(p.qty for p in others) < sum(need.qty for need in needs):
        return None
    return chosen, picks + others


def kits_of(needs: Sequence[Need]) -> dict[int, list[Need]]:
    """The parts of each line that is a kit, with ``kits`` such that every part divides by it."""
    lines: dict[int, list[Need]] = {}
    for need in needs:
        if need.kits:
            lines.setdefault(need.order_line_id, []).append(need)
    for line_id, parts in lines.items():
        if any(part.qty % part.kits for part in parts):
            lines[line_id] = [part._replace(kits=1) for part in parts]
    return lines


def _makes(parts: Sequence[Need], node: NodeView, stock: Stock, left: Left | None = None) -> int:
    """How many kits of ``parts`` the node can send whole."""
    if left is not None:
        return min(left[(part.sku_id, node.id)] // (part.qty // part.kits) for part in parts)
    return min(free(stock, part.sku_id, node) // (part.qty // part.kits) for part in parts)


def pick(needs: Sequence[Need], chosen: Sequence[NodeView], stock: Stock, left: Left | None = None) -> list[Pick]:
    """Take each line from the first chosen node that has it whole, else from several in their order.

    left: what is left of ``stock`` when something was picked before.
    """
    if left is None:
        left = {(need.sku_id, node.id): free(stock, need.sku_id, node) for need in needs for node in chosen}
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
