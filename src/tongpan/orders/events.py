"""What the order hub logs."""

ACCEPTED = "order.accepted"
"""key: order id. payload: {"day": "2026-11-18", "route": true when the order needs goods}."""
CHANGED = "order.changed"
"""key: order id. payload: {"day", "route"}; a newer copy changed it, or its status moved on. "anew": true when its
channel wants fewer units, so that what is allocated is to be given back first."""
RETURN_RECEIVED = "return.received"
"""key: return id. payload: {"day"}."""
CORRECTED = "correction.booked"
"""key: correction document number. payload: {"day"}."""
CASE = "aftersale."
"""aftersale.requested, .approved, .refused, .withdrawn, .in_transit, .received, .inspected, .closed: what happened to
a case of after-sale. key: case id. payload: {"order": order id, "kind", "day": the order's business day}."""
REFUND = "refund."
"""refund.proposed, .approved, .paid, .failed. key: refund id. payload: {"order", "case", "customer" (or null),
"currency", "total_minor", "goods_minor", "tenders": [{"method", "kind", "action", "amount_minor"}]}: loyalty and
promotions restore points and coupons, and take back what the goods earned, by ``refund.paid``."""
SUBSCRIPTION = "subscription."
"""subscription.created, .changed, .paused, .resumed, .skipped, .cancelled: what people did. .reminder: the subscriber
should be told that it comes soon ({"due_on"}). .ordered: a run is an order that waits for payment ({"due_on", "order",
"hold_until"}). .paid ({"due_on", "order"}). .short: goods or a price are missing, .unpaid: it was not paid in time
({"due_on", "problem", "next_try_at"}). .failed: it is tried no more ({"due_on", "problem"}). key: subscription id."""
