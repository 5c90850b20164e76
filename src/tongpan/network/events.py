"""What the network of nodes logs."""

NODES_CHANGED = "network.nodes_changed"
"""key: node id. payload: {}."""
SERVICES_CHANGED = "network.services_changed"
"""key: shop id. payload: {}. Other nodes serve the shop."""
