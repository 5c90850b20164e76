"""Pinduoduo."""
