"""One rulebook for every channel: rules, campaigns, coupons, budgets, and the engine that prices a cart."""
