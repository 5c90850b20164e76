"""What the stock pool logs."""

CHANGED = "stock.changed"
"""key: SKU id. payload: {"gained": true when more became available}."""

TRANSFER_CHANGED = "transfer.changed"
"""key: transfer id. payload: {"what": "created", "ready", "sent", "received" or "cancelled"}."""
