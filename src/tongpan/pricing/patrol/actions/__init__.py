"""Writes of the patrol: one module for each kind of business action."""

from tongpan.pricing.patrol.actions.casework import CaseOutcome, add_evidence, open_cases, take_step
from tongpan.pricing.patrol.actions.complaining import ComplaintDoc, ComplaintOutcome, register_complaints
from tongpan.pricing.patrol.actions.observing import ObservationDoc, ObservationOutcome, observe
from tongpan.pricing.patrol.actions.planning import PlanSpec, save_plan
from tongpan.pricing.patrol.actions.ruling import save_rules
from tongpan.pricing.patrol.actions.watching import watch_prices

__all__ = [
    "CaseOutcome",
    "ComplaintDoc",
    "ComplaintOutcome",
    "ObservationDoc",
    "ObservationOutcome",
    "PlanSpec",
    "add_evidence",
    "observe",
    "open_cases",
    "register_complaints",
    "save_plan",
    "save_rules",
    "take_step",
    "watch_prices",
]
