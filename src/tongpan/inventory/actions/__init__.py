"""Writes of stock. Every function locks the pools of its SKUs first, in ascending order of SKU id."""

from __future__ import annotations

from tongpan.inventory.actions.documents import adjust, count
from tongpan.inventory.actions.reserving import pin, release, reserve, take_back, unpin

__all__ = ["adjust", "count", "pin", "release", "reserve", "take_back", "unpin"]
