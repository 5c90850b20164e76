"""Tongpan 通盘: one stock pool, one customer, one rulebook and one order hub for every channel."""

__version__ = "0.1.0"
