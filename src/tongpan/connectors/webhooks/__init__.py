"""Webhooks: what happens here is told to subscribers, signed and retried, as Standard Webhooks 1.0.0 has it."""
