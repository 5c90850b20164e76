"""What was pushed is taken by a job: the answer to the sender never waits for it."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from tongpan.api.inbound import document_of
from tongpan.connectors.inbound.actions import PROCESS_TASK, forget_old_messages, process_waiting
from tongpan.core.clock import utc_now


@app.periodic(cron="* * * * *")
@app.task(name=PROCESS_TASK, queue="inbound", queueing_lock=PROCESS_TASK, lock=PROCESS_TASK)
def process_inbound(timestamp: int) -> int:
    """Take the messages that wait; how many."""
    return process_waiting(document_of, now=utc_now())


@app.periodic(cron="29 3 * * *")
@app.task(queueing_lock="forget_inbound_messages")
def forget_inbound_messages(timestamp: int) -> int:
    """Delete messages that ended long ago; how many. timestamp: seconds since 1970."""
    return forget_old_messages(datetime.fromtimestamp(timestamp, UTC))
