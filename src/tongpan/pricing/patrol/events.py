"""What the patrol logs."""

VIOLATION_OPENED = "violation.opened"
"""key: case id. payload: {"kind", "party", "finding"}."""
VIOLATION_STEP = "violation.step"
"""key: case id. payload: {"step", "status"}. A case went on, was appealed, or an appeal was decided."""
PRICE_WAR_OPENED = "price.war_opened"
"""key: alarm id. payload: {"sku", "sellers", "start_minor", "low_minor", "currency"}."""
