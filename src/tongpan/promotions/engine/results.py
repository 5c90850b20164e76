"""What an evaluation answers. Plain values; money is minor units of the cart's currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class LineResult(NamedTuple):
    """amount_minor: at list price. net_minor: after all discounts."""

    number: int
    amount_minor: int
    net_minor: int


class Share(NamedTuple):
    """What one payer bears of what one rule took off one line.

    line: the line's number; 0 is the shipping charge. weight: the amount of the line that the discount was spread by,
    frozen, so that a later return reads shares and never spreads anew.
    """

    line: int
    rule: str
    payer: str
    coupon: str
    amount_minor: int
    weight: int


class Gift(NamedTuple):
    """Goods that come free with the order. payer: who bears them (the heaviest of the rule's payers)."""

    rule: str
    sku: str
    qty: int
    payer: str


class Take(NamedTuple):
    """What the order's transaction must take from a counter, by the same key as in ``Remaining``."""

    counter: str
    amount: int


class Trial(NamedTuple):
    """What became of one rule. reason: a key of ``explaining.SENTENCES``; params: what the sentence names."""

    rule: str
    applied: bool
    reason: str
    params: Mapping[str, object]


class Result(NamedTuple):
    """Lines in the order of their numbers; Σ shares of a line = amount − net. total_minor: Σ net + shipping."""

    version: str
    lines: tuple[LineResult, ...]
    discounts: tuple[Share, ...]
    gifts: tuple[Gift, ...]
    shipping_minor: int
    takes: tuple[Take, ...]
    coupons_used: tuple[str, ...]
    trials: tuple[Trial, ...]
    total_minor: int
