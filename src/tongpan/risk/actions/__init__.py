"""Writes of the risk room."""

from tongpan.risk.actions.register import CodeDoc, RegisterOutcome, SightingDoc, record_sightings, register_codes
from tongpan.risk.actions.scoring import Looked, look_for_diversion, save_rules

__all__ = [
    "CodeDoc",
    "Looked",
    "RegisterOutcome",
    "SightingDoc",
    "look_for_diversion",
    "record_sightings",
    "register_codes",
    "save_rules",
]
