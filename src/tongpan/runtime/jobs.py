"""Upkeep of what runs all the time: the job queue itself, and the partitions of the event log."""

from __future__ import annotations

import logging

from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from tongpan.core.bulk import execute
from tongpan.core.clock import utc_now
from tongpan.runtime import quality

# A worker says every 10 s that it lives; its jobs are taken from it after missing several of these.
STALLED_AFTER_SECONDS = 60
KEEP_FINISHED_HOURS = 7 * 24
PARTITIONS_AHEAD_MONTHS = 2

log = logging.getLogger("jobs")


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="rescue_stalled_jobs")
async def rescue_stalled_jobs(timestamp: int) -> int:
    """Put jobs whose worker died back into the queue; every task must therefore stand being run twice.

    A job that waits in the queue a second time already (it has a queueing lock) is not put back but dropped.
    timestamp: the minute this run is for, in seconds since 1970. Returns how many jobs were put back.
    """
    manager = app.job_manager
    rescued = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS):
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            await manager.finish_job(job, Status.ABORTED, delete_job=True)
        else:
            rescued += 1
            log.warning("job %s (%s) lost its worker and waits for another", job.id, job.task_name)
    await manager.prune_stalled_workers(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
    return rescued


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="clear_finished_jobs")
async def clear_finished_jobs(timestamp: int) -> None:
    """Delete jobs that ended more than a week ago, failures included: their log lines tell of them."""
    await app.job_manager.delete_old_jobs(
        nb_hours=KEEP_FINISHED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


@app.periodic(cron="7 2 * * *")
@app.task(queueing_lock="prepare_event_partitions")
def prepare_event_partitions(timestamp: int) -> None:
    """Make the event log's partitions of this month and the next ones; those that are there stay as they are."""
    execute(
        "SELECT core_event_partition((now() + make_interval(months => m))::date) FROM generate_series(0, %s) m",
        [PARTITIONS_AHEAD_MONTHS],
    )


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="remember_quality", lock="remember_quality")
def remember_quality(timestamp: int) -> None:
    """Keep the data quality report, and warn in the log when a target is missed."""
    made = quality.remember(utc_now())
    for name in quality.TARGETS:
        if made[name]["is_met"] is False:
            log.warning("%s misses its target: %s, wanted %s", name, made[name]["rate"], made[name]["target"])
