"""Writes of the order hub."""

from tongpan.orders.actions.facts import record_delivery, record_dispatch, reserve_orders, wait_for
from tongpan.orders.actions.holding import hold, release_hold
from tongpan.orders.actions.intake import accept
from tongpan.orders.actions.marking import add_note, add_tags, remove_tags
from tongpan.orders.actions.policies import (
    Trial,
    blacklist,
    review_again,
    save_rules,
    try_rules,
    unblacklist,
)
from tongpan.orders.actions.returns import accept_corrections, accept_returns
from tongpan.orders.actions.reviewing import current_rules, findings_of, review_orders
from tongpan.orders.actions.together import Once, accept_together

__all__ = [
    "Once",
    "Trial",
    "accept",
    "accept_corrections",
    "accept_returns",
    "accept_together",
    "add_note",
    "add_tags",
    "blacklist",
    "current_rules",
    "findings_of",
    "hold",
    "record_delivery",
    "record_dispatch",
    "release_hold",
    "remove_tags",
    "reserve_orders",
    "review_again",
    "review_orders",
    "save_rules",
    "try_rules",
    "unblacklist",
    "wait_for",
]
