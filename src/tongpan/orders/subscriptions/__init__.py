"""Subscriptions: orders that come again by themselves (FUL-11)."""
