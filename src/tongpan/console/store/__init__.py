"""The desk of a store, for a phone in one hand: today's work, and what is asked at the counter."""
