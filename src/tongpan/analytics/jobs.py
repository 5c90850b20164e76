"""Upkeep of the lake: dimensions whose rows changed without an order, files that nobody reads any more. And targets."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.analytics.lake.sweep import sweep
from tongpan.analytics.lake.writer import refresh_dimensions
from tongpan.analytics.prices import read_prices
from tongpan.analytics.targets.actions import watch_targets
from tongpan.core.clock import utc_now


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="refresh_lake_dimensions", lock="lake")
def refresh_lake_dimensions(timestamp: int) -> int:
    """Take renamed channels, goods and nodes into the lake; how many dimensions were rewritten.

    timestamp: the minute this run is for, in seconds since 1970.
    """
    return refresh_dimensions(utc_now())


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="sweep_lake", lock="lake")
def sweep_lake(timestamp: int) -> int:
    """Delete replaced and orphaned files; how many. timestamp as above."""
    swept = sweep(utc_now())
    return swept.replaced + swept.orphans


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="read_prices", lock="read_prices")
def read_channel_prices(timestamp: int) -> int:
    """Read how far channel prices are from guide prices; how many readings are new. timestamp as above."""
    return read_prices(utc_now())


@app.periodic(cron="37 18 * * *")
@app.task(queueing_lock="watch_targets", lock="watch_targets")
def watch_targets_daily(timestamp: int) -> int:
    """Judge every target's last period, in the night of the platform's zone; how many alerts it opened."""
    opened, _ = watch_targets(utc_now())
    return opened
