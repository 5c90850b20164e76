"""The best assignment of a whole batch of orders to nodes, beside which the ladder is measured (FUL-05)."""
