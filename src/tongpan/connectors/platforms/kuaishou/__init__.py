"""Kuaishou shops."""
