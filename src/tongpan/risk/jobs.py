"""What the risk room does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.risk.actions.scoring import look_for_diversion


@app.periodic(cron="53 18 * * *")
@app.task(queueing_lock="look_for_diversion", lock="look_for_diversion")
def look_for_diversion_nightly(timestamp: int) -> int:
    """Score all dealers and shops when the day is over (02:53 in Shanghai); how many call for a case.

    timestamp: the minute of the run, in seconds since 1970.
    """
    return look_for_diversion(actor="system", now=utc_now()).striking
