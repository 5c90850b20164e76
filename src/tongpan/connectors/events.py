"""What the connectors log."""

PUSH_FAILED = "push.failed"
"""key: push id. payload: {"shop": shop code, "kind": "stock"|"price"|"shipment", "key": listing or fulfilment id}."""
