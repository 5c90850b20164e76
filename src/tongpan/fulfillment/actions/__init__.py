"""Writes of fulfilment."""

from tongpan.fulfillment.actions.changing import (
    cancel_orders,
    edit_order,
    join_order,
    merge_orders,
    split_order,
    unmerge_orders,
)
from tongpan.fulfillment.actions.dispatch import cancel, dispatch
from tongpan.fulfillment.actions.reroute import reroute
from tongpan.fulfillment.actions.retry import retry_waiting
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.actions.shipping import record_tracking, ship

__all__ = [
    "cancel",
    "cancel_orders",
    "dispatch",
    "edit_order",
    "join_order",
    "merge_orders",
    "record_tracking",
    "reroute",
    "retry_waiting",
    "route",
    "ship",
    "split_order",
    "unmerge_orders",
]
