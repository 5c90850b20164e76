"""What fulfilment does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions.ending import cancel_waiting
from tongpan.fulfillment.actions.retry import retry_without_node
from tongpan.fulfillment.readers import ACTOR


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="retry_orders_without_node")
def retry_orders_without_node(timestamp: int) -> int:
    """Route orders again that no node could take: a new day has new capacity, and closed nodes open.

    timestamp: the minute this run is for, in seconds since 1970. Returns how many were routed.
    """
    return retry_without_node(actor=ACTOR, now=utc_now())


@app.periodic(cron="23 * * * *")
@app.task(queueing_lock="cancel_orders_that_wait")
def cancel_orders_that_wait(timestamp: int) -> int:
    """Cancel orders that have waited for as long as their routing policy allows; how many."""
    return cancel_waiting(actor=ACTOR, now=utc_now())
