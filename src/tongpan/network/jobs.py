"""What the network does by the clock."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.core.clock import utc_now
from tongpan.network.dealers import turn_contracts


@app.periodic(cron="1 16 * * *")
@app.task(queueing_lock="turn_dealer_contracts")
def turn_dealer_contracts(timestamp: int) -> int:
    """Let stock of dealers join or leave the pool as contracts begin and end; how many dealers changed.

    Just after midnight of the default zone, in which contracts have their days. timestamp: seconds since 1970.
    """
    return len(turn_contracts(utc_now()))
