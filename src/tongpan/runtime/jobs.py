"""Upkeep of the job queue itself: jobs of a killed worker run again, finished jobs are cleared away."""

from __future__ import annotations

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

# A worker says every 10 s that it lives; its jobs are taken from it after missing several of these.
STALLED_AFTER_SECONDS = 60
KEEP_FINISHED_HOURS = 7 * 24

log = logging.getLogger(__name__)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="rescue_stalled_jobs", pass_context=False)
async def rescue_stalled_jobs(timestamp: int) -> int:
    """Put jobs whose worker died back into the queue; every task must therefore stand being run twice.

    timestamp: the minute this run is for, in seconds since 1970. Returns how many jobs were rescued.
    """
    manager = app.job_manager
    rescued = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS):
        await manager.retry_job(job)
        log.warning("Job %s (%s) lost its worker and waits for another.", job.id, job.task_name)
        rescued += 1
    await manager.prune_stalled_workers(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
    return rescued


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="clear_finished_jobs", retry=RetryStrategy(max_attempts=3, wait=60))
async def clear_finished_jobs(timestamp: int) -> None:
    """Delete what was finished more than a week ago, failures included: their log lines tell of them."""
    await app.job_manager.delete_old_jobs(
        nb_hours=KEEP_FINISHED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
