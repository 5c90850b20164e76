"""One price of a channel beside what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from tongpan.pricing.engine.bands import deviation_pct
from tongpan.pricing.engine.book import PriceBook
from tongpan.pricing.engine.resolving import Price

STATES = ("under_floor", "outside", "no_guide", "none", "inside")


@dataclass(frozen=True, slots=True)
class Cell:
    """The list price of a SKU on a channel. state: under_floor, outside the band, no_guide, none (no price), inside.

    deviation: from the guide price in percent. margin: (price − cost) / price.
    """

    channel: str
    currency: str
    price: Price | None
    guide_minor: int | None
    low_minor: int | None
    high_minor: int | None
    deviation: Decimal | None
    margin: Decimal | None
    state: str


def cell_of(book: PriceBook, sku: str, channel: str) -> Cell:
    """The list price of ``sku`` on ``channel`` and what is to be said of it."""
    currency = book.currency(channel)
    price = book.price(sku, channel)
    guide = book.guide(sku, currency)
    low, high = book.band(sku, channel) or (None, None)
    if price is None:
        return Cell(channel, currency, None, guide, low, high, None, None, "none")
    floor, cost = book.floor(sku, "", currency), book.cost(sku, currency)
    if floor is not None and price.amount_minor < floor:
        state = "under_floor"
    elif guide is None or low is None or high is None:
        state = "no_guide"
    else:
        state = "inside" if low <= price.amount_minor <= high else "outside"
    deviation = None if guide is None else deviation_pct(price.amount_minor, guide)
    return Cell(channel, currency, price, guide, low, high, deviation, _margin(price.amount_minor, cost), state)


def _margin(amount_minor: int, cost_minor: int | None) -> Decimal | None:
    if cost_minor is None:
        return None
    return (Decimal(amount_minor - cost_minor) / amount_minor).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
