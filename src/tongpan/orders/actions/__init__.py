"""Writes of the order hub."""

from tongpan.orders.actions.facts import record_dispatch, reserve_orders, wait_for
from tongpan.orders.actions.intake import accept
from tongpan.orders.actions.returns import accept_corrections, accept_returns

__all__ = [
    "accept",
    "accept_corrections",
    "accept_returns",
    "record_dispatch",
    "reserve_orders",
    "wait_for",
]
