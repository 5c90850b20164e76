"""What the catalogue logs."""

KITS_CHANGED = "catalog.kits_changed"
"""key: SKU id of the kit. payload: {"parts": [SKU ids it has or had]}."""
