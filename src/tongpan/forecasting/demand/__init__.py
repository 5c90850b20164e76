"""What will be asked for: a forecast of each SKU's daily demand, and what it means for the stock (INV-14)."""
