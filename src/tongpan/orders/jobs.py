"""What the order hub does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.orders.actions.baskets import forget_baskets
from tongpan.orders.actions.preorders import close_late_preorders

ACTOR = "checkout"


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="close_late_preorders")
def close_late(timestamp: int) -> int:
    """Cancel pre-orders whose deposit was not paid in time; how many. timestamp: seconds since 1970."""
    return close_late_preorders(actor=ACTOR, now=utc_now())


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="forget_scan_baskets")
def forget_scan_baskets(timestamp: int) -> int:
    """Forget baskets that nobody paid; how many. timestamp: seconds since 1970."""
    return forget_baskets(utc_now())
