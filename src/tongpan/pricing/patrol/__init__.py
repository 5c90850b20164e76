"""Prices seen on the channels, what breaks the price rules, and what is done about it."""
