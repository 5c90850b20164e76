"""Writes of stock. Every function locks the pools of its SKUs first, in ascending order of SKU id."""

from __future__ import annotations

from tongpan.inventory.actions.counting import (
    approve_count,
    cancel_count,
    enter_counts,
    open_counts,
    save_count_rules,
    send_back_count,
    submit_count,
)
from tongpan.inventory.actions.documents import adjust, count
from tongpan.inventory.actions.expiring import confirm, confirm_order, sweep_expired
from tongpan.inventory.actions.reserving import pin, release, reserve, ship, take_back, unpin
from tongpan.inventory.actions.transfers import cancel_transfers, create_transfers, make_ready, receive, send

__all__ = [
    "adjust",
    "approve_count",
    "cancel_count",
    "cancel_transfers",
    "confirm",
    "confirm_order",
    "count",
    "create_transfers",
    "enter_counts",
    "make_ready",
    "open_counts",
    "pin",
    "receive",
    "release",
    "reserve",
    "save_count_rules",
    "send",
    "send_back_count",
    "ship",
    "submit_count",
    "sweep_expired",
    "take_back",
    "unpin",
]
