"""Upkeep of what access keeps for a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from procrastinate.contrib.django import app

from tongpan.access.actions import forget_requests
from tongpan.access.limits import forget_counts

ANSWERS_KEPT = timedelta(hours=24)


@app.periodic(cron="41 * * * *")
@app.task(queueing_lock="forget_idempotent_requests")
def forget_idempotent_requests(timestamp: int) -> int:
    """Forget answers that were kept for longer than ``ANSWERS_KEPT``; how many. timestamp: seconds since 1970."""
    return forget_requests(datetime.fromtimestamp(timestamp, UTC) - ANSWERS_KEPT)


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="forget_request_counts")
def forget_request_counts(timestamp: int) -> int:
    """Forget how often addresses asked in minutes that are over; how many. timestamp: seconds since 1970."""
    return forget_counts(datetime.fromtimestamp(timestamp, UTC))
