"""Writes of stock. Every function locks the pools of its SKUs first, in ascending order of SKU id."""

from __future__ import annotations

from tongpan.inventory.actions.count_closing import approve_count, cancel_count, send_back_count, submit_count
from tongpan.inventory.actions.count_opening import open_counts, save_count_rules
from tongpan.inventory.actions.counting import enter_counts
from tongpan.inventory.actions.documents import adjust, count
from tongpan.inventory.actions.expiring import confirm, confirm_order, sweep_expired
from tongpan.inventory.actions.inspecting import decide_hold, inspect, save_quality_rules
from tongpan.inventory.actions.receiving import receive
from tongpan.inventory.actions.replenishing import (
    accept_replenishments,
    close_replenishments,
    follow_transfers,
    mark_overdue,
    order_from_suppliers,
    request_urgently,
    save_replenish_rules,
    watch_lines,
)
from tongpan.inventory.actions.reserving import pin, release, reserve, ship, take_back, unpin, unpin_goods
from tongpan.inventory.actions.transfers import cancel_transfers, create_transfers, make_ready, send

__all__ = [
    "accept_replenishments",
    "adjust",
    "approve_count",
    "cancel_count",
    "cancel_transfers",
    "close_replenishments",
    "confirm",
    "confirm_order",
    "count",
    "create_transfers",
    "decide_hold",
    "enter_counts",
    "follow_transfers",
    "inspect",
    "make_ready",
    "mark_overdue",
    "open_counts",
    "order_from_suppliers",
    "pin",
    "receive",
    "release",
    "request_urgently",
    "reserve",
    "save_count_rules",
    "save_quality_rules",
    "save_replenish_rules",
    "send",
    "send_back_count",
    "ship",
    "submit_count",
    "sweep_expired",
    "take_back",
    "unpin",
    "unpin_goods",
    "watch_lines",
]
