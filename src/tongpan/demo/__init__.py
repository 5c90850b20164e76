"""The demo company: real order history in simulated surroundings."""
