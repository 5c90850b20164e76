"""What analytics logs."""

CHANNEL_DAY_CHANGED = "channel_day.changed"
"""key: channel id. payload: {"day": "2026-11-18"}."""
DAILY_VALUE_CHANGED = "daily_value.changed"
"""key: name of the value. payload: {"day"}."""
TARGET_MISSED = "metric.target_missed"
"""key: alert id. payload: {"metric", "channel": code, "" for the total, "from", "to": exclusive, "value", "wanted"}."""
