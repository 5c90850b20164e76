"""Upkeep of the lake: dimensions whose rows changed without an order, and files that nobody reads any more."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.analytics.lake.sweep import sweep
from tongpan.analytics.lake.writer import refresh_dimensions
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
