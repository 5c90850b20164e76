"""Replaying past orders by another rulebook: what they would have cost, who would have borne it, what breaks."""
