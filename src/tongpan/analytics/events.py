"""What analytics logs."""

CHANNEL_DAY_CHANGED = "channel_day.changed"
"""key: channel id. payload: {"day": "2026-11-18"}."""
