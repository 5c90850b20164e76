"""Writes of stock. Every function locks the pools of its SKUs first, in ascending order of SKU id."""

from __future__ import annotations

from tongpan.inventory.actions.documents import adjust, count
from tongpan.inventory.actions.reserving import pin, release, reserve, take_back, unpin
from tongpan.inventory.actions.transfers import cancel_transfers, create_transfers, make_ready, receive, send

__all__ = [
    "adjust",
    "cancel_transfers",
    "count",
    "create_transfers",
    "make_ready",
    "pin",
    "receive",
    "release",
    "reserve",
    "send",
    "take_back",
    "unpin",
]
