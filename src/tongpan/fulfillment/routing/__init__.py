"""Which node ships an order: the search, its rules as data, and the explanation of every decision (FUL-05)."""
