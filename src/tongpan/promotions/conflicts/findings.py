"""What the check before launch found: one value for each contradiction, with the cart that proves it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What is wrong."""

    FLOOR = "floor"
    COST = "cost"
    BAND = "band"
    DEPTH = "depth"
    UNIFIED = "unified"
    THRESHOLD = "threshold"
    STEPS = "steps"
    ONE_CHANNEL = "one_channel"
    EXCLUSIVE = "exclusive"
    STACK = "stack"
    BUDGET = "budget"
    STOCK = "stock"
    DATES = "dates"
    OVERLAP = "overlap"


class Search(StrEnum):
    """How far a kind was searched: every case there is, or the carts within a stated bound."""

    EXHAUSTIVE = "exhaustive"
    BOUNDED = "bounded"


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line of a counter-example. net_minor: what the whole line costs after all discounts."""

    sku: str
    qty: int
    unit_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Example:
    """A cart as ``evaluate`` prices it: who buys what, where and when, with which coupons, and what it comes to.

    coupons: codes of the rules whose coupons are shown. applied: rule code → discount in minor units, 0 for a gift.
    Least net prices are not kept: a channel's own checkout does not know them.
    """

    channel: str
    at: datetime
    lines: tuple[PricedLine, ...]
    applied: Mapping[str, int]
    total_minor: int
    tier: str = ""
    segments: tuple[str, ...] = ()
    is_member: bool = False
    is_new: bool = False
    shop: str = ""
    node: str = ""
    region: str = ""
    source: str = ""
    payment: str = ""
    coupons: tuple[str, ...] = ()
    shipping_minor: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction. skus: those confirmed one by one; sku_count: all that it concerns.

    params: what its sentence is filled with; amounts in minor units under names that end in ``_minor``.
    """

    kind: Kind
    rules: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    sku_count: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    def content(self) -> dict[str, Any]:
        """The finding as plain JSON, moments as RFC 3339."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_plain, sort_keys=True))
        return told

    def key(self) -> str:
        """A hash of what was found; the same contradiction with the same figures has the same key on every run.

        The moments of the examples are left out: a rule that runs already is shown at the moment of the check.
        """
        told = self.content()
        for example in told["examples"]:
            del example["at"]
        return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one kind was searched. cases: what was gone through; open: what a limit left untried."""

    kind: Kind
    search: Search
    cases: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check: what was found, how far each kind was searched, and what it took.

    proven: pairs of SKU and channel of which arithmetic alone shows that no cart can break a limit.
    """

    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    carts: int
    pairs: int
    proven: int
    segments: int


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
