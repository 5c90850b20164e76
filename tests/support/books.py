"""The books of a small company as plain Python rows, and the metrics computed from them the slow, obvious way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.support.company import NOW, goods, order, return_of

from tongpan.orders.actions import accept, accept_returns
from tongpan.orders.engine import BuyerDoc, LineDoc, ShipTo

CHANNEL_OF = {"tm": "tmall", "tm2": "tmall", "mall": "own"}


@dataclass(frozen=True)
class Sale:
    """One order as the books have it. day: days before NOW. lines: (sku or "" for a charge, qty, amount)."""

    number: str
    shop: str
    day: int
    lines: tuple[tuple[str, int, int], ...]
    buyer: str = ""
    province: str = ""
    is_cancelled: bool = False
    is_paid: bool = True

    @property
    def business_date(self) -> date:
        return (NOW - timedelta(days=self.day)).date()

    @property
    def total(self) -> int:
        return sum(amount for _, _, amount in self.lines)

    @property
    def goods(self) -> int:
        return sum(amount for sku, _, amount in self.lines if sku)

    @property
    def units(self) -> int:
        return sum(qty for sku, qty, _ in self.lines if sku)

    def value(self, dimension: str) -> str | None:
        day = self.business_date
        return {
            "shop": self.shop,
            "channel": CHANNEL_OF[self.shop],
            "province": self.province or None,
            "day": day.isoformat(),
            "month": f"{day:%Y-%m}",
            "week": "{:04d}-W{:02d}".format(*day.isocalendar()[:2]),
        }[dimension]


@dataclass
class Books:
    sales: list[Sale] = field(default_factory=list)
    returns: list[tuple[str, int, int]] = field(default_factory=list)
    """(shop, days before NOW, goods amount that went back, positive)."""

    def enter(self) -> None:
        """Book everything through the order hub."""
        docs = [
            order(
                sale.number,
                *[_line(*line) for line in sale.lines],
                shop_code=sale.shop,
                placed_at=_moment(sale.day, index),
                buyer=BuyerDoc("customer", "company", sale.buyer) if sale.buyer else None,
                ship_to=ShipTo(sale.province),
                paid_at=_moment(sale.day, index) if sale.is_paid else None,
                cancelled_at=NOW if sale.is_cancelled else None,
            )
            for index, sale in enumerate(self.sales)
        ]
        outcomes = accept(docs, actor="test", now=NOW)
        assert all(outcome.state == "accepted" for outcome in outcomes), outcomes
        accept_returns(
            [
                return_of(f"R{n}", goods("A", 1, -amount), shop_code=shop, returned_at=_moment(day, n))
                for n, (shop, day, amount) in enumerate(self.returns)
            ],
            actor="test",
            now=NOW,
        )

    def by(self, dimensions: Iterable[str]) -> dict[tuple[str | None, ...], list[Sale]]:
        keys = list(dimensions)
        found: dict[tuple[str | None, ...], list[Sale]] = {}
        for sale in self.sales:
            found.setdefault(tuple(sale.value(key) for key in keys), []).append(sale)
        return found


def _line(sku: str, qty: int, amount: int) -> LineDoc:
    return goods(sku, qty, amount, category=f"cat-{sku}") if sku else LineDoc("charge", "POST", "post", 1, amount)


def _moment(day: int, index: int) -> datetime:
    """An instant of the business day, later for a later row: the books are in the order of time within a day."""
    return NOW - timedelta(days=day) - timedelta(hours=4) + timedelta(seconds=index)


def money(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


Computed = Callable[[list[Sale]], Any]
SIMPLE: dict[str, Computed] = {
    "gmv": lambda sales: money(sum(s.total for s in sales)),
    "orders": len,
    "buyers": lambda sales: len({s.buyer for s in sales if s.buyer}),
    "units": lambda sales: sum(s.units for s in sales),
    "aov": lambda sales: money(_half_up(sum(s.total for s in sales), len(sales))),
}


def _half_up(top: int, base: int) -> int:
    quotient, rest = divmod(abs(top), base)
    return (quotient + (2 * rest >= base)) * (1 if top >= 0 else -1)
