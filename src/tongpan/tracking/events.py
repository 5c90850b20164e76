"""What visits log."""

VISITED = "visit.recorded"
"""key: visit id. payload: {"node": node id, "kind": its kind, "customer": customer id or null, "day": business day}."""
DOORS_COUNTED = "visit.doors_counted"
"""key: node id. payload: {"days": the business days whose counts changed}."""
