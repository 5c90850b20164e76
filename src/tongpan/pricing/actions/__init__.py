"""Writes of prices."""

from __future__ import annotations

from tongpan.pricing.actions.limits import FloorSpec, set_floors

__all__ = ["FloorSpec", "set_floors"]
