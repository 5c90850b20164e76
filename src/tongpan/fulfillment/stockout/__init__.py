"""What to do when goods are out of stock: the ordered strategies of a channel (X-22, INV-07 to INV-10)."""
