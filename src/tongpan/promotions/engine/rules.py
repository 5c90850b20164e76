"""A rulebook as plain values: lanes, the stack matrix, and rules with scope, conditions, benefit, window and limits.

``language`` makes them from a document and ``writing`` writes them back. Money is minor units of the book's currency,
percentages are basis points (2,000 = 20 %), instants are aware and ranges half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from tongpan.core.clock import DEFAULT_ZONE

Kind = Literal[
    "percent", "amount", "fixed_price", "timed", "flash_sale", "member_price", "group_price", "first_order", "stepped",
    "buy_x_get_y", "bundle", "n_for_price", "nth_item", "trade_in", "gift", "sample", "free_shipping",
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "percent", "amount", "fixed_price", "timed", "flash_sale", "member_price", "group_price", "first_order", "stepped",
    "buy_x_get_y", "bundle", "n_for_price", "nth_item", "trade_in", "gift", "sample", "free_shipping",
)  # fmt: skip
PRICE_KINDS = ("percent", "amount", "fixed_price", "timed", "flash_sale", "member_price", "group_price", "first_order")
"""Kinds whose benefit is a percentage, an amount or a price."""
OPENED_KINDS = ("group_price", "trade_in")
"""Kinds that only a coupon opens, whether or not the rule says so: the group that formed, the valuation."""
PAYERS = ("shop", "platform", "brand", "influencer", "dealer", "bank")

Chooser = Literal["best", "first", "all"]
Base = Literal["running", "initial"]
Clash = Literal["lane", "buyer"]


@dataclass(frozen=True, slots=True)
class Lane:
    """Rules that are weighed against each other. best, first: at most one of them on a line. all: every one that may.

    base: what benefits and thresholds are reckoned on: what the earlier lanes left, or the list price.
    """

    code: str
    chooser: Chooser
    base: Base = "running"


DEFAULT_LANES = (
    Lane("item", "best"),
    Lane("bundle", "best"),
    Lane("order", "best"),
    Lane("coupon", "all"),
    Lane("shipping", "all"),
    Lane("gift", "all"),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines: all, or those that any of the named sets holds; never those that a set of ``but`` holds."""

    is_all: bool = False
    skus: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    but: Scope | None = None


EVERYTHING = Scope(is_all=True)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What cart and customer must be like; an empty one always holds. Of a list, one must fit.

    min_minor, min_qty: of the lines in scope that the rule may touch. undiscounted: only lines that nothing was taken
    off yet count and are touched.
    """

    channels: frozenset[str] = frozenset()
    shops: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    not_regions: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    payments: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    not_segments: frozenset[str] = frozenset()
    is_member: bool | None = None
    is_new: bool | None = None
    min_minor: int = 0
    min_qty: int = 0
    undiscounted: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """Part of a day by the window's zone, in minutes from midnight, half-open; 1440 is 24:00."""

    from_minute: int = 0
    to_minute: int = 1440


@dataclass(frozen=True, slots=True)
class Weekly:
    """days: 1 is Monday, 7 is Sunday."""

    days: frozenset[int]
    hours: Hours = Hours()


@dataclass(frozen=True, slots=True)
class Window:
    """Open from ``starts_at`` until before ``ends_at``; with ``weekly`` or ``dates`` only at one of those times.

    The zone decides what a day and an hour are.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekly: tuple[Weekly, ...] = ()
    dates: tuple[tuple[date, Hours], ...] = ()
    zone: str = DEFAULT_ZONE


@dataclass(frozen=True, slots=True)
class Limits:
    """None: without limit. uses: orders that may use the rule. units: of price offers, units sold at it.

    money_minor: what it may cost in all; is_partial gives what is left of it, otherwise an order gets all or nothing.
    """

    uses: int | None = None
    uses_per_day: int | None = None
    uses_per_customer: int | None = None
    units: int | None = None
    units_per_customer: int | None = None
    units_per_order: int | None = None
    money_minor: int | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class PercentOff:
    """``percent_bp`` off each line; max_minor: at most so much off the cart."""

    percent_bp: int
    max_minor: int | None = None


@dataclass(frozen=True, slots=True)
class AmountOff:
    """``amount_minor`` off each unit, or once off the lines in scope together."""

    amount_minor: int
    per: Literal["unit", "order"] = "order"


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """Each unit for a price: that of its SKU, else ``price_minor``; None is no price for other SKUs."""

    price_minor: int | None = None
    prices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """From ``at_least`` (minor units or units) on: an amount off, or a percentage off."""

    at_least: int
    amount_minor: int = 0
    percent_bp: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """The highest step reached. is_repeated: the one step each time it is reached (每满), max_times at most."""

    by: Literal["amount", "qty"]
    steps: tuple[Step, ...]
    is_repeated: bool = False
    max_times: int | None = None
    max_minor: int | None = None


@dataclass(frozen=True, slots=True)
class BuyGet:
    """For every ``buy`` units bought, ``get`` units at ``percent_bp`` off, the cheapest first.

    of: which goods are given; None: of the same scope. Goods of the rule's own scope are never those given then.
    spread: over the whole set, or over the goods given alone.
    """

    buy: int
    get: int
    percent_bp: int = 10_000
    of: Scope | None = None
    max_times: int | None = None
    spread: Literal["set", "given"] = "set"


@dataclass(frozen=True, slots=True)
class Part:
    """``qty`` units of goods of ``scope``."""

    scope: Scope
    qty: int


@dataclass(frozen=True, slots=True)
class SetOffer:
    """All parts together: for a price, or with a percentage or an amount off. Exactly one of the three is given."""

    parts: tuple[Part, ...]
    price_minor: int | None = None
    percent_bp: int = 0
    amount_minor: int = 0
    max_times: int | None = None


@dataclass(frozen=True, slots=True)
class NForPrice:
    """Any ``n`` units in scope for ``price_minor``, the dearest first."""

    n: int
    price_minor: int
    max_times: int | None = None


@dataclass(frozen=True, slots=True)
class NthItem:
    """Of every ``n`` units in scope (of one SKU with ``is_same_sku``), the cheapest at ``percent_bp`` off."""

    n: int
    percent_bp: int
    is_same_sku: bool = False
    max_times: int | None = None


@dataclass(frozen=True, slots=True)
class TradeIn:
    """What the coupon's valuation says plus ``bonus_minor``, at most ``max_minor``."""

    bonus_minor: int = 0
    max_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Gifts:
    """(SKU, qty) each. is_repeated: as often as the threshold of the conditions is reached, max_times at most."""

    gifts: tuple[tuple[str, int], ...]
    is_repeated: bool = False
    max_times: int | None = None


@dataclass(frozen=True, slots=True)
class Shipping:
    """Off the shipping charge: ``amount_minor``; None is all of it."""

    amount_minor: int | None = None


Benefit = (
    PercentOff | AmountOff | UnitPrice | Steps | BuyGet | SetOffer | NForPrice | NthItem | TradeIn | Gifts | Shipping
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One offer. Higher ``priority`` comes first; the place in the document means nothing.

    group: what the stack matrix speaks of. payers: (payer, weight), who bears it. needs_coupon: only a coupon opens it.
    """

    code: str
    name_zh: str
    name_en: str
    kind: Kind
    lane: str
    group: str
    priority: int
    scope: Scope
    conditions: Conditions
    benefit: Benefit
    window: Window = Window()
    limits: Limits = Limits()
    payers: tuple[tuple[str, int], ...] = (("shop", 1),)
    needs_coupon: bool = False
    campaign: str = ""

    @property
    def is_opened(self) -> bool:
        """True when only a coupon opens the rule."""
        return self.needs_coupon or self.kind in OPENED_KINDS


@dataclass(frozen=True, slots=True)
class Settings:
    """zone: of dates and hours that name none. currency: of every amount; carts of another one are refused.

    clash: of two rules that may not meet on a line, the one of the earlier lane has it, or the buyer has what costs
    least.
    """

    zone: str = DEFAULT_ZONE
    currency: str = "CNY"
    clash: Clash = "lane"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """``stack``: the pairs of groups of which two rules may meet on a line ({g} alone: two rules of the group g).

    What is not a pair does not stack. ``version`` is what every result names.
    """

    version: str
    rules: tuple[Rule, ...]
    lanes: tuple[Lane, ...] = DEFAULT_LANES
    groups: tuple[str, ...] = ()
    stack: frozenset[frozenset[str]] = frozenset()
    settings: Settings = Settings()


CounterKind = Literal["uses", "uses_per_day", "uses_per_customer", "units", "units_per_customer", "money"]


def counter(rule: str, kind: CounterKind) -> str:
    """The key of a counter in ``Remaining`` and ``Take``.

    Those per customer and per day are of the cart's customer and of the day of ``at`` in the rule's zone; the caller
    adds who and when to where it keeps them.
    """
    return f"{rule}:{kind}"


def campaign_counter(campaign: str) -> str:
    """The key of what a campaign may cost over all its rules; it counts where ``Remaining`` has it."""
    return f"campaign:{campaign}:money"


def default_lane(kind: Kind, *, is_opened: bool) -> str:
    """The lane of a rule that names none."""
    if kind in ("gift", "sample"):
        return "gift"
    if kind == "free_shipping":
        return "shipping"
    if kind in ("buy_x_get_y", "bundle", "n_for_price", "nth_item"):
        return "bundle"
    if kind in ("fixed_price", "timed", "flash_sale", "member_price", "group_price"):
        return "item"
    if is_opened:
        return "coupon"
    return "item" if kind == "percent" else "order"
