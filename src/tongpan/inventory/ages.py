"""How long goods have been at a node: the age of the oldest unit on hand, first in first out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all


def oldest_units(sku_ids: Collection[int], node_ids: Collection[int], *, now: datetime) -> dict[int, dict[int, int]]:
    """Days since the oldest saleable unit on hand came in, by SKU id and node id, for levels above zero.

    Goods leave in the order in which they came, so what is on hand came with the newest receipts. One statement.
    """
    rows = fetch_all(
        """SELECT l.sku_id, l.node_id, coalesce(max(i.occurred_at) FILTER (WHERE i.total >= l.on_hand),
                                                min(i.occurred_at))
           FROM inventory_level l
           JOIN (SELECT sku_id, node_id, occurred_at,
                        sum(on_hand_delta)
                          OVER (PARTITION BY sku_id, node_id ORDER BY occurred_at DESC, id DESC) AS total
                 FROM inventory_movement
                 WHERE sku_id = ANY(%(skus)s) AND node_id = ANY(%(nodes)s) AND bucket = 'saleable'
                   AND on_hand_delta > 0) i ON i.sku_id = l.sku_id AND i.node_id = l.node_id
           WHERE l.sku_id = ANY(%(skus)s) AND l.node_id = ANY(%(nodes)s) AND l.bucket = 'saleable' AND l.on_hand > 0
           GROUP BY 1, 2""",
        {"skus": list(sku_ids), "nodes": list(node_ids)},
    )
    ages: dict[int, dict[int, int]] = {}
    for sku_id, node_id, at in rows:
        ages.setdefault(sku_id, {})[node_id] = max((now - at).days, 0)
    return ages
