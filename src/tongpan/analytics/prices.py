"""The daily readings of channel prices against guide prices (KPI-19)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from tongpan.analytics.actions import DailyReading, record_daily_values
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.pricing.engine.cells import cell_of
from tongpan.pricing.queries import price_book

FLOATING, IN_BAND = "price_floating", "price_in_band_rate"


def read_prices(now: datetime) -> int:
    """Keep, for every channel and in total, how far list prices are from guide prices and how many are inside their
    band; how many readings say something new. Prices in a currency without guide prices are left out."""
    book = price_book(None, None, now)
    off: Counter[str] = Counter()
    guides: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    for sku in book.offers:
        for channel in book.currencies:
            cell = cell_of(book, sku, channel)
            if cell.price is None or not cell.guide_minor:
                continue
            off[channel] += abs(cell.price.amount_minor - cell.guide_minor)
            guides[channel] += cell.guide_minor
            inside[channel] += cell.low_minor is not None and cell.low_minor <= cell.price.amount_minor <= (
                cell.high_minor or 0
            )
            judged[channel] += 1
    day = business_day(now, DEFAULT_ZONE)
    readings = []
    for name, numbers, bases in ((FLOATING, off, guides), (IN_BAND, inside, judged)):
        readings += [DailyReading(name, day, channel, numbers[channel], bases[channel]) for channel in judged]
        # Amounts of several currencies cannot be added up; shares of prices can.
        of_one = {book.currency(channel) for channel in judged}
        if judged and (name == IN_BAND or len(of_one) == 1):
            readings.append(DailyReading(name, day, "", sum(numbers.values()), sum(bases.values())))
    return record_daily_values(readings) if readings else 0
