"""What must be moved to one node before it can send an order whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.fulfillment.routing.basics import Distance, Move, Need, NodeView, Stock, free, totals_of


def gather(
    needs: Sequence[Need], to: NodeView, givers: Sequence[NodeView], stock: Stock, distance: Distance
) -> list[Move]:
    """The moves that bring to ``to`` what it lacks of ``needs``, from the nearest nodes first; none when the nodes
    together do not have it. A node whose stock is not ours neither gives nor takes. Ties go to the lower code."""
    if not to.tracks_stock:
        return []
    order = sorted(
        (node for node in givers if node.id != to.id and node.tracks_stock),
        key=lambda node: (_apart(to, node, distance), node.code),
    )
    moves = []
    for sku_id, qty in sorted(totals_of(needs).items()):
        lacking = qty - free(stock, sku_id, to)
        for node in order:
            if lacking <= 0:
                break
            units = min(lacking, free(stock, sku_id, node))
            if units > 0:
                moves.append(Move(node.id, to.id, sku_id, units))
                lacking -= units
        if lacking > 0:
            return []
    return moves


def _apart(a: NodeView, b: NodeView, distance: Distance) -> float:
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return float("inf")
    return distance(a.latitude, a.longitude, b.latitude, b.longitude)
