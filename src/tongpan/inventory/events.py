"""What the stock pool logs."""

CHANGED = "stock.changed"
"""key: SKU id. payload: {"gained": true when more became available}, and {"days": the days of the movements} where
saleable units on hand moved."""

TRANSFER_CHANGED = "transfer.changed"
"""key: transfer id. payload: {"what": "created", "ready", "sent", "received" or "cancelled"}."""
POLICY_CHANGED = "stock.policy_changed"
"""key: SKU id, or "" for every SKU. payload: {"channel": channel id or null, "node": node id or null}.

A policy of a channel, a node or a SKU was made, changed, taken away, began or ended."""
RESERVATION_EXPIRED = "stock.reservation_expired"
"""key: order id. payload: {}. The goods promised to an order that was not paid in time are on sale again."""

ALERT_OPENED = "stock.alert_opened"
"""key: alert id. payload: {"node": node id, "sku": SKU id, "units": free units, "line": safety line}."""

REPLENISHMENT_CHANGED = "replenishment.changed"
"""key: replenishment id. payload: {"what": "proposed", "accepted", "done", "dismissed", "closed" or "overdue"}."""
COVER_BROKEN = "stock.cover_broken"
"""key: alert id. payload: {"channel": channel id, "sku": SKU id, "units": free for the channel, "cover": units}."""
COUNT_BOOKED = "count.booked"
"""key: count sheet id. payload: {"day": the day of booking}."""
INSPECTED = "stock.inspected"
"""key: inspection id. payload: {"sku": SKU id, "node": node id, "passed": false when the lot failed and is held}."""
PUBLISHED = "stock.published"
"""key: listing id. payload: {"shop": shop id, "qty": units that the channel is to show}."""
