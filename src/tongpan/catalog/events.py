"""What the catalogue logs."""

KITS_CHANGED = "catalog.kits_changed"
"""key: SKU id of the kit. payload: {"parts": [SKU ids it has or had]}."""
LISTINGS_CHANGED = "catalog.listings_changed"
"""key: listing id. payload: {"sku": SKU id}. It is new, stands for another SKU, or went on or off sale."""
SKUS_CHANGED = "catalog.skus_changed"
"""key: SKU id. payload: {}. It became core or is core no more."""
