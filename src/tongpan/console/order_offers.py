"""Why an order of an own channel costs what it costs: each rule that was near its cart, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from tongpan.promotions.engine.explaining import SENTENCES, sentence_key, shown
from tongpan.promotions.engine.results import Trial
from tongpan.promotions.models import PricedOrder


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule of the order: its code, whether it applied, and why in the user's language."""

    rule: str
    applied: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Offers:
    """How an order was priced, and why."""

    priced: PricedOrder
    reasons: list[Reason]


def offers_of(order_id: int) -> Offers | None:
    """How the checkout priced an order; None of one that came from elsewhere. One statement."""
    priced = PricedOrder.objects.filter(order_id=order_id).first()
    return None if priced is None else Offers(priced, [_reason(priced.currency, *trial) for trial in priced.trials])


def _reason(currency: str, rule: str, applied: bool, reason: str, params: dict[str, Any]) -> Reason:
    trial = Trial(rule, applied, reason, params)
    key = sentence_key(trial)
    if key not in SENTENCES:
        return Reason(rule, applied, reason)
    return Reason(rule, applied, gettext(SENTENCES[key]) % shown(params, currency))
