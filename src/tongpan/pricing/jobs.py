"""What the price book does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.pricing.actions.watching import watch_listings


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="watch_listing_prices", lock="watch_listing_prices")
def watch_listing_prices(timestamp: int) -> int:
    """Hold what the shops ask against the price book; how many alerts were opened. timestamp: seconds since 1970."""
    opened, _ = watch_listings(now=utc_now())
    return opened
