"""Imports in the background."""

from __future__ import annotations

import logging

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.connectors.actions import run_import
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
