"""Writes of prices."""

from __future__ import annotations

from tongpan.pricing.actions.changes import (
    MOST_ROWS,
    Requested,
    decide_request,
    preview_changes,
    request_changes,
    withdraw_request,
)
from tongpan.pricing.actions.limits import CostSpec, FloorSpec, set_costs, set_floors
from tongpan.pricing.actions.lists import GUIDE, ListSpec, ensure_lists, save_lists
from tongpan.pricing.actions.personal import Personal, log_personal
from tongpan.pricing.actions.planning import PlannedRow, PriceChange
from tongpan.pricing.actions.settings import BandSpec, save_bands, save_settings

__all__ = [
    "GUIDE",
    "MOST_ROWS",
    "BandSpec",
    "CostSpec",
    "FloorSpec",
    "ListSpec",
    "Personal",
    "PlannedRow",
    "PriceChange",
    "Requested",
    "decide_request",
    "ensure_lists",
    "log_personal",
    "preview_changes",
    "request_changes",
    "save_bands",
    "save_lists",
    "save_settings",
    "set_costs",
    "set_floors",
    "withdraw_request",
]
