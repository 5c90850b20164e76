"""Trying a routing policy on past orders before it counts: what it would have cost, how far, how many on time."""
