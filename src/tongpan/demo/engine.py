"""The rules that put real orders into simulated surroundings.

Every choice is a hash of what it is about and ``SEED``: the same on every machine and in every run, and a choice
about one order never depends on another order. Real are baskets, customers, times of day, prices and returns;
simulated are channel, shop, city, dispatch, visits, cost and stock.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Generic, TypeVar

from tongpan.network.geography import distance_km

T = TypeVar("T")

SEED = "tongpan-demo-1"
SHIFT = timedelta(weeks=794)
"""Added to every date of the source: 2011-08-31 becomes 2026-11-18, a Wednesday as well."""

HISTORY_ENDS = datetime(2011, 8, 31, 18, 0) + SHIFT
"""The moment the demo stands at: what would have been dispatched or delivered later has not happened."""

REPEATS_CHANNEL = 0.72
"""How often a customer stays with the channel of their first choice."""


def draw(*about: object) -> float:
    """A number in [0, 1) that is always the same for the same ``about``."""
    text = "\x1f".join([SEED, *map(str, about)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big") / (1 << 56)


class Wheel(Generic[T]):
    """Items with weights; ``at(0.0 … 1.0)`` gives each item its share of the range."""

    def __init__(self, items: Sequence[T], weights: Sequence[int]) -> None:
        self._items = items
        self._bounds = list(accumulate(weights))

    def at(self, part: float) -> T:
        return self._items[bisect_right(self._bounds, part * self._bounds[-1])]


@dataclass(frozen=True, slots=True)
class City:
    """Degrees are those of ``network.geography``."""

    province: str
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Outlet:
    """A store or a dealer; its shop and its node have the same code."""

    code: str
    city: City


class Company:
    """Who sells where.

    channels: weight of each channel. online: the online shop of each channel that has one. outlets: the stores of
    "direct_store" and the dealers of "dealer".
    """

    def __init__(
        self,
        channels: Mapping[str, int],
        online: Mapping[str, str],
        outlets: Mapping[str, Sequence[Outlet]],
        cities: Sequence[tuple[City, int]],
    ) -> None:
        self._channels = Wheel(list(channels), list(channels.values()))
        self._cities = Wheel([city for city, _ in cities], [weight for _, weight in cities])
        self._online = online
        self._outlets = outlets
        self._city_of = {outlet.code: outlet.city for group in outlets.values() for outlet in group}
        self.home = cache(self._home)
        self.nearest = cache(self._nearest)

    def _home(self, buyer: str) -> City:
        """The city of a customer; of an anonymous buyer, ``buyer`` is the number of the order."""
        return self._cities.at(draw("city", buyer))

    def _nearest(self, channel: str, city: City) -> Outlet:
        return min(
            self._outlets[channel],
            key=lambda o: (distance_km(city.latitude, city.longitude, o.city.latitude, o.city.longitude), o.code),
        )

    def shop(self, customer: str, document: str) -> str:
        """The shop of an order: customers stay with their channel most of the time, and go to their nearest store.

        customer: the customer's number, or "" for an anonymous buyer.
        """
        if customer and draw("stays", document) < REPEATS_CHANNEL:
            channel = self._channels.at(draw("channel", customer))
        else:
            channel = self._channels.at(draw("channel", document))
        if channel in self._outlets:
            return self.nearest(channel, self.home(customer or document)).code
        return self._online[channel]

    def ship_to(self, shop: str, customer: str, document: str) -> City:
        """Where an order goes: the city of the store it was bought in, else the customer's home."""
        return self._city_of.get(shop) or self.home(customer or document)

    def is_outlet(self, shop: str) -> bool:
        return shop in self._city_of


@dataclass(frozen=True, slots=True)
class Timeline:
    """Simulated times of one order, in the wall-clock time of the shops; None: not yet when the history ends."""

    promised: datetime
    dispatched: datetime | None
    delivered: datetime | None


def timeline(document: str, placed: datetime, *, in_store: bool) -> Timeline:
    """In a store the goods are handed over at once. Elsewhere they are promised to leave within 48 hours: most
    leave within a day, about one order in fifteen leaves late, and delivery takes one to four days more."""
    if in_store:
        return Timeline(placed, placed, placed)
    part = draw("dispatch", document)
    hours = 3 + 27 * part / 0.8 if part < 0.8 else 30 + 16 * (part - 0.8) / 0.13 if part < 0.93 else 50 + 40 * part
    dispatched = placed + timedelta(minutes=round(hours * 60))
    delivered = dispatched + timedelta(minutes=round((24 + 72 * draw("delivery", document)) * 60))
    return Timeline(
        placed + timedelta(hours=48),
        dispatched if dispatched <= HISTORY_ENDS else None,
        delivered if delivered <= HISTORY_ENDS else None,
    )


def visitors(channel: str, day: date, orders: int, visits_per_order: int) -> int:
    """Visitors of a channel on a day: its orders times its ratio, up to a fifth more or less, and a base."""
    swing = 0.8 + 0.4 * draw("visits", channel, day)
    return round((orders + 0.5) * visits_per_order * swing)


def cost_minor(channel: str, day: date, sales_minor: int, rate: float) -> int:
    """What a channel cost on a day, in minor units: its rate on sales, up to a quarter more or less, and a base."""
    swing = 0.75 + 0.5 * draw("cost", channel, day)
    return round(sales_minor * rate * swing) + 5_000


def opening_stock(demand: Mapping[str, int], *, node: str, share: float, breadth: float) -> dict[str, int]:
    """What a node starts with, by SKU: ``share`` of the demand, for ``breadth`` of the SKUs, at least two units."""
    return {
        sku: max(2, round(units * share))
        for sku, units in sorted(demand.items())
        if draw("assortment", node, sku) < breadth
    }


def is_counted(node: str, sku: str) -> bool:
    """One level in five takes part in the cycle count."""
    return draw("counted", node, sku) < 0.2


def recount(node: str, sku: str, book: int) -> int:
    """What a cycle count finds: the book in nineteen of twenty cases, else a unit or two more or less."""
    part = draw("count", node, sku)
    if part < 0.95 or book == 0:
        return book
    return max(0, book + (-2, -1, 1, 2)[int((part - 0.95) / 0.0125) % 4])
