"""What the order hub does by the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.orders.actions.baskets import forget_baskets
from tongpan.orders.actions.grouping import settle_groups
from tongpan.orders.actions.preorders import close_late_preorders
from tongpan.orders.replaying.actions import TASK as REPLAY
from tongpan.orders.replaying.actions import run_replay
from tongpan.orders.subscriptions.runs import announce, run_due, settle_runs

ACTOR = "checkout"
_ROUNDS = 50


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="close_late_preorders")
def close_late(timestamp: int) -> int:
    """Cancel pre-orders whose deposit was not paid in time; how many. timestamp: seconds since 1970."""
    return close_late_preorders(actor=ACTOR, now=utc_now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="settle_groups")
def settle_group_orders(timestamp: int) -> int:
    """Let go the orders of formed groups, call off and pay back those of groups that are over; how many orders.

    timestamp: seconds since 1970.
    """
    return settle_groups(actor="group-buy", now=utc_now())


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="forget_scan_baskets")
def forget_scan_baskets(timestamp: int) -> int:
    """Forget baskets that nobody paid; how many. timestamp: seconds since 1970."""
    return forget_baskets(utc_now())


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="run_subscriptions")
def run_subscriptions(timestamp: int) -> int:
    """Remind subscribers, settle what was paid or was not, and make the orders of the day; how many runs were tried.

    timestamp: seconds since 1970.
    """
    _until_done(settle_runs)
    _until_done(announce)
    return _until_done(run_due)


@app.task(name=REPLAY)
def replay(run_id: int) -> None:
    """Replay past orders by a rulebook; asked for by ``replaying.actions.ask_replay``."""
    run_replay(run_id)


def _until_done(work: Callable[[datetime], int]) -> int:
    total = 0
    for _ in range(_ROUNDS):
        done = work(utc_now())
        total += done
        if not done:
            break
    return total
