"""Customers and the identifiers they are known by."""
