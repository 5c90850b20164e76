"""Shorthand of the intake actions for tests."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.company import ACTOR, NOW

from tongpan.orders.actions import accept, accept_returns
from tongpan.orders.engine import OrderDoc, Outcome, ReturnDoc


def take(*docs: OrderDoc) -> list[Outcome]:
    """Take orders in as one batch."""
    return accept(docs, actor=ACTOR, now=NOW)


def take_back(*docs: ReturnDoc) -> list[Outcome]:
    """Take returns in as one batch."""
    return accept_returns(docs, actor=ACTOR, now=NOW)


def states(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]
