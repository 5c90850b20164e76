"""Who ships: the node that a person names for lines of an order."""

from __future__ import annotations

from collections.abc import Collection

from tongpan.core.bulk import execute


def name_node(order_line_ids: Collection[int], node_code: str) -> None:
    """Name ``node_code`` as the node that ships these lines, in the caller's transaction, which holds their order."""
    execute("UPDATE orders_orderline SET wanted_node = %s WHERE id = ANY(%s)", [node_code, sorted(set(order_line_ids))])
