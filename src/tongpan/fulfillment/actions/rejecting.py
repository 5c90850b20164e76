"""Nodes that refused an order: it is never routed there again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from tongpan.core.bulk import execute


def keep_away(excluding: Mapping[int, Collection[int]], reason: str, *, actor: str, now: datetime) -> None:
    """Keep orders away from nodes: node ids by order id. The caller holds the orders; a repeat changes nothing."""
    pairs = sorted({(order_id, node_id) for order_id, node_ids in excluding.items() for node_id in node_ids})
    if pairs:
        execute(
            """INSERT INTO fulfillment_noderejection (order_id, node_id, reason, actor, at)
               SELECT p.order_id, p.node_id, %s, %s, %s FROM unnest(%s::bigint[], %s::bigint[]) AS p(order_id, node_id)
               ON CONFLICT (order_id, node_id) DO NOTHING""",
            [reason[:200], actor, now, [order_id for order_id, _ in pairs], [node_id for _, node_id in pairs]],
        )
