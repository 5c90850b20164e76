"""What fulfilment logs."""

ROUTED = "order.routed"
"""key: order id. payload: {"day", "outcome": "routed"|"unfillable", "nodes": [node ids]}."""
DISPATCHED = "fulfillment.dispatched"
"""key: fulfilment id. payload: {"order": order id, "day": the order's business day}."""
