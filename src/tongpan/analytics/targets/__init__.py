"""Targets of metrics: what each number shall be, how far it is from there, and an alert when it is missed."""
