"""What the stock pool does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.inventory.actions.expiring import sweep_expired
from tongpan.inventory.actions.floors import count_sales
from tongpan.inventory.actions.policies import turn_policies
from tongpan.inventory.actions.replenishing import mark_overdue

_AT_ONCE = 500
_ROUNDS = 200


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_expired_reservations")
def sweep_expired_reservations(timestamp: int) -> int:
    """Put goods back on sale whose buyers did not pay in time; how many reservations ended.

    timestamp: the minute this run is for, in seconds since 1970.
    """
    ended = 0
    for _ in range(_ROUNDS):
        more = sweep_expired(utc_now(), limit=_AT_ONCE)
        ended += more
        if not more:
            break
    return ended


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="turn_stock_policies")
def turn_stock_policies(timestamp: int) -> None:
    """Begin and end policies whose time has come; the fences of live sessions that are over are everybody's again."""
    turn_policies(now=utc_now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="mark_overdue_replenishment")
def mark_overdue_replenishment(timestamp: int) -> int:
    """Mark replenishment that should have come by now; how much of it. timestamp: seconds since 1970."""
    return mark_overdue(utc_now())


@app.periodic(cron="23 2 * * *")
@app.task(queueing_lock="count_core_sales")
def count_core_sales(timestamp: int) -> None:
    """Count anew what core goods sell in a day, in which their minimum cover is measured."""
    count_sales(now=utc_now())
