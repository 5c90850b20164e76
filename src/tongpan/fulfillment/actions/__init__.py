"""Writes of fulfilment."""

from tongpan.fulfillment.actions.dispatch import cancel, dispatch
from tongpan.fulfillment.actions.route import route

__all__ = ["cancel", "dispatch", "route"]
