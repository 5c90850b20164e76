"""Imports in the background."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.connectors.actions import run_import
from tongpan.connectors.exchange.actions import exchange
from tongpan.connectors.webhooks.delivering import SEND_TASK
from tongpan.connectors.webhooks.sending import forget_old, send_due
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

log = logging.getLogger(__name__)


@app.task(name="connectors.run_import", queue="imports")
def run_stored_import(import_id: int) -> None:
    """Run an uploaded import. Run twice, the second run completes what the first left.

    A refusal is the import's own failure, written beside it, and no failure of the job.
    """
    try:
        result = run_import(import_id, now=utc_now())
    except Refusal as refusal:
        log.info("Import %s was refused: %s", import_id, refusal.sentence)
        return
    log.info(
        "Import %s: %s accepted, %s unchanged, %s rejected.",
        import_id,
        result["accepted"],
        result["unchanged"],
        result["rejected"],
    )


def start_upload(import_id: int) -> None:
    """Put a planned upload into the queue, in the transaction of the caller. One that waits there is not put twice."""
    job = app.configure_task("connectors.run_import", queueing_lock=f"import-{import_id}", lock=f"import-{import_id}")
    try:
        with transaction.atomic():
            job.defer(import_id=import_id)
    except AlreadyEnqueued:
        log.info("Import %s waits in the queue already.", import_id)


@app.periodic(cron="* * * * *")
@app.task(name=SEND_TASK, queue="webhooks", queueing_lock=SEND_TASK, lock=SEND_TASK)
def send_webhooks(timestamp: int) -> int:
    """Send what is due to the subscribers of webhooks; how many attempts were made."""
    return send_due()


@app.periodic(cron="23 3 * * *")
@app.task(queueing_lock="forget_webhook_deliveries")
def forget_webhook_deliveries(timestamp: int) -> int:
    """Delete deliveries that ended long ago; how many. timestamp: seconds since 1970."""
    return forget_old(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="* * * * *")
@app.task(queue="exchange", queueing_lock="exchange_files", lock="exchange_files")
def exchange_files(timestamp: int) -> dict[str, int]:
    """Take what partners laid into their inboxes and lay out what they are to know; stock once an hour.

    timestamp: the minute this run is for, in seconds since 1970.
    """
    return exchange(now=utc_now(), with_stock=timestamp // 60 % 60 == 0)
