"""Douyin shops."""
