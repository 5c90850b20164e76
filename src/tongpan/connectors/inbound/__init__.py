"""Webhooks in: what other systems push, verified on the raw bytes, stored first, and taken by a job."""
