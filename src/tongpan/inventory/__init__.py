"""The stock pool, stock levels, movements, reservations and stock documents."""
