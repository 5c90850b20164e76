"""Who ships: the node that a person names for lines of an order, or that its buyer comes to."""

from __future__ import annotations

from collections.abc import Collection

from tongpan.core.bulk import execute


def name_node(order_line_ids: Collection[int], node_code: str) -> None:
    """Name ``node_code`` as the node that ships these lines, in the caller's transaction, which holds their order."""
    execute("UPDATE orders_orderline SET wanted_node = %s WHERE id = ANY(%s)", [node_code, sorted(set(order_line_ids))])


def choose_pickup(order_id: int, node_code: str) -> None:
    """Let the buyer of the order fetch it at ``node_code``, whatever later copies of the channel say of its delivery.

    In the caller's transaction, which holds the order.
    """
    execute(
        """UPDATE orders_order SET delivery_method = 'pickup', delivery_node = %s,
                  local_fields = CASE WHEN 'delivery' = ANY(local_fields) THEN local_fields
                                      ELSE array_append(local_fields, 'delivery') END
           WHERE id = %s""",
        [node_code, order_id],
    )
