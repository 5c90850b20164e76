"""What is replayed, and how. Plain values; money is minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from tongpan.core.errors import Refusal

Prices = Literal["recorded", "book"]
PRICES: tuple[Prices, ...] = ("recorded", "book")
"""recorded: what each line cost before discounts when it was sold. book: what the price lists ask now."""
Coupons = Literal["brought", "all"]
COUPONS: tuple[Coupons, ...] = ("brought", "all")
"""brought: an order has the coupons that it had. all: every order brings one of each rule that needs a coupon."""
MAX_DAYS = 731
MAX_TIERS = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """What to replay: the orders placed on the days from ``day_from`` up to, not with, ``day_to`` in the book's zone.

    rulebook: a draft's name, or the number of a version. channel: only its orders; "" all. tiers: from which amount
    spent before an order a buyer has which tier; empty: nobody has one but who had one at checkout. name: of the run.
    """

    rulebook: str
    day_from: date
    day_to: date
    prices: Prices = "recorded"
    coupons: Coupons = "brought"
    channel: str = ""
    tiers: Mapping[str, int] = field(default_factory=dict)
    name: str = ""


def check_ask(ask: Ask) -> None:
    """Raises Refusal replay.days, replay.prices, replay.coupons or replay.tiers for what cannot be replayed."""
    if not timedelta(0) < ask.day_to - ask.day_from <= timedelta(days=MAX_DAYS):
        raise Refusal("replay.days", f"A replay takes 1 to {MAX_DAYS} days; the end lies behind the beginning.")
    if ask.prices not in PRICES:
        raise Refusal("replay.prices", f"{ask.prices!r} is none of the prices {', '.join(PRICES)}.")
    if ask.coupons not in COUPONS:
        raise Refusal("replay.coupons", f"{ask.coupons!r} is none of {', '.join(COUPONS)}.")
    amounts = list(ask.tiers.values())
    if len(amounts) > MAX_TIERS or any(amount < 0 for amount in amounts) or len(set(amounts)) != len(amounts):
        raise Refusal(
            "replay.tiers", f"Name at most {MAX_TIERS} tiers, each with an amount of its own from 0, in minor units."
        )


class Off(NamedTuple):
    """What one payer bore of what one rule took off a line. rule: its code, or what the channel calls the discount."""

    rule: str
    payer: str
    amount_minor: int


class PastLine(NamedTuple):
    """Goods of an order. net_minor: what the buyer paid for them all. is_gift: they came free by a rule."""

    number: int
    sku: str
    qty: int
    net_minor: int
    offs: tuple[Off, ...] = ()
    is_gift: bool = False


class Said(NamedTuple):
    """What the shop front said of a cart when it was priced here. coupons: (code, rule, value)."""

    tier: str = ""
    segments: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    source: str = ""
    payment: str = ""
    is_member: bool = False
    is_new: bool = False
    coupons: tuple[tuple[str, str, int], ...] = ()


class PastOrder(NamedTuple):
    """An order as it was. shipping_minor: what was charged; shipping_off_minor: what offers had taken off it.

    is_new: its buyer had no other order then that was not called off. spent_minor: what the orders of its buyer had
    come to. said: None of an order that was not priced here.
    """

    order_id: int
    placed_at: datetime
    channel: str
    shop: str
    currency: str
    region: str
    node: str
    customer_id: int | None
    is_new: bool
    spent_minor: int
    payment: str
    shipping_minor: int
    shipping_off_minor: int
    lines: tuple[PastLine, ...]
    said: Said | None = None


class Figures:
    """One order, or many, under one rulebook. All amounts are minor units.

    list_minor: goods before discounts. revenue_minor: goods as buyers paid them. offs: what each payer bore of the
    discounts on goods. margin_minor: of the lines whose cost is known: what was paid, and what others than the shop
    bore of the discount, without the cost; unknown_lines: those without, unknown_minor: what was paid for them.
    under_floor, outside_band: lines. gifts: units.
    """

    __slots__ = (
        "cost_minor", "gifts", "list_minor", "margin_minor", "offs", "outside_band", "revenue_minor", "shipping_minor",
        "under_floor", "unknown_lines", "unknown_minor",
    )  # fmt: skip
    SUMS = tuple(name for name in __slots__ if name != "offs")

    def __init__(self) -> None:
        self.list_minor = self.revenue_minor = self.shipping_minor = 0
        self.cost_minor = self.margin_minor = self.unknown_minor = 0
        self.unknown_lines = self.under_floor = self.outside_band = self.gifts = 0
        self.offs: dict[str, int] = {}

    def add(self, other: Figures) -> None:
        """Add another's figures to these."""
        self.list_minor += other.list_minor
        self.revenue_minor += other.revenue_minor
        self.shipping_minor += other.shipping_minor
        self.cost_minor += other.cost_minor
        self.margin_minor += other.margin_minor
        self.unknown_minor += other.unknown_minor
        self.unknown_lines += other.unknown_lines
        self.under_floor += other.under_floor
        self.outside_band += other.outside_band
        self.gifts += other.gifts
        for payer, amount in other.offs.items():
            self.offs[payer] = self.offs.get(payer, 0) + amount

    @property
    def off_minor(self) -> int:
        """All discounts on goods."""
        return sum(self.offs.values())

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.SUMS} | {"offs": dict(sorted(self.offs.items()))}


class LineOutcome(NamedTuple):
    """One line before and after: what each rule and payer took off. before_minor, after_minor: what is paid for it."""

    number: int
    sku: str
    qty: int
    list_minor: int
    before_minor: int
    after_minor: int
    before: tuple[Off, ...]
    after: tuple[Off, ...]


class Outcome(NamedTuple):
    """One order before and after. skipped: why it was not replayed, "" when it was; then both sides are the same.

    gifts: (SKU, units) after. is_touched: something was taken off or broken on one side; others are only counted.
    """

    order: PastOrder
    tier: str
    skipped: str
    before: Figures
    after: Figures
    lines: tuple[LineOutcome, ...]
    gifts: tuple[tuple[str, int], ...]
    rules_before: Mapping[str, int]
    rules_after: Mapping[str, int]
    is_changed: bool
    is_touched: bool
