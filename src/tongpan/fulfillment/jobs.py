"""What fulfilment does by the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions.ending import cancel_waiting
from tongpan.fulfillment.actions.handing import expire_pickups, remind
from tongpan.fulfillment.actions.refusing import expire_offers
from tongpan.fulfillment.actions.retry import retry_without_node
from tongpan.fulfillment.actions.scheduled import release_scheduled
from tongpan.fulfillment.dryrun.actions import TASK, run_dry
from tongpan.fulfillment.readers import ACTOR
from tongpan.fulfillment.services.appointments import remind as remind_of_appointments

_ROUNDS = 50


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


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="expire_offers")
def expire_late_offers(timestamp: int) -> int:
    """Take back what no node accepted in time and route it anew; how many. timestamp: seconds since 1970."""
    return _until_done(expire_offers)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="release_scheduled")
def release_what_is_due(timestamp: int) -> int:
    """Offer what waits for a slot that is near to its nodes; how many. timestamp: seconds since 1970."""
    return _until_done(release_scheduled)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="expire_pickups")
def expire_late_pickups(timestamp: int) -> int:
    """Remind buyers whose goods wait, and put back on sale what nobody fetched; how many of the latter."""
    _until_done(remind)
    return _until_done(expire_pickups)


@app.task(name=TASK)
def dry_run(run_id: int) -> None:
    """Try a routing policy on past orders; asked for by ``dryrun.actions.ask_dry_run``."""
    run_dry(run_id)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="remind_of_appointments")
def remind_who_comes_soon(timestamp: int) -> int:
    """Log reminders of appointments; how many. timestamp: seconds since 1970."""
    return _until_done(remind_of_appointments)


def _until_done(work: Callable[[datetime], int]) -> int:
    total = 0
    for _ in range(_ROUNDS):
        done = work(utc_now())
        total += done
        if not done:
            break
    return total
