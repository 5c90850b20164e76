"""Money, clock, errors, event log, bulk SQL and settings: the ground floor; imports nothing of ours."""
