"""After-sale: what may come back, where it goes, and what is given back for it."""
