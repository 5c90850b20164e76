"""What the patrol does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.pricing.patrol.actions.watching import watch_prices


@app.periodic(cron="*/15 * * * *")
@app.task(queueing_lock="watch_price_wars", lock="watch_price_wars")
def watch_price_wars(timestamp: int) -> int:
    """Look for price wars; how many alarms were opened. timestamp: the minute of the run, in seconds since 1970."""
    return watch_prices(utc_now()).opened
