"""What the stock pool logs."""

CHANGED = "stock.changed"
"""key: SKU id. payload: {"gained": true when more became available}."""
