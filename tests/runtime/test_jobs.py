"""Upkeep of the job queue: jobs of a killed worker run again, old ones are cleared away."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from procrastinate.contrib.django import app

from tongpan.core.bulk import execute, fetch_all
from tongpan.runtime.jobs import clear_finished_jobs, prepare_event_partitions, rescue_stalled_jobs

pytestmark = pytest.mark.django_db


def add_job(status: str, *, heartbeat_age: int | None = None, lock: str | None = None, ended_days: int = 0) -> int:
    """A job in the queue. heartbeat_age: seconds since its worker was last heard of."""
    worker = None
    if heartbeat_age is not None:
        worker = fetch_all(
            """INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))
               RETURNING id""",
            [heartbeat_age],
        )[0][0]
    (row,) = fetch_all(
        """INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id, queueing_lock)
           VALUES ('default', 'a.task', %s, %s, %s) RETURNING id""",
        [status, worker, lock],
    )
    if ended_days:
        execute(
            """INSERT INTO procrastinate_events (job_id, type, at)
               VALUES (%s, 'succeeded', now() - make_interval(days => %s))""",
            [row[0], ended_days],
        )
    return int(row[0])


def statuses() -> dict[int, str]:
    return dict(fetch_all("SELECT id, status::text FROM procrastinate_jobs"))


def run(task: object) -> object:
    return async_to_sync(task.func)(0)  # type: ignore[attr-defined]


def test_a_job_whose_worker_is_silent_waits_for_another_and_a_running_one_is_left_alone() -> None:
    lost = add_job("doing", heartbeat_age=120)
    running = add_job("doing", heartbeat_age=5)
    failed = add_job("failed")

    assert run(rescue_stalled_jobs) == 1

    assert statuses() == {lost: "todo", running: "doing", failed: "failed"}


@pytest.mark.django_db(transaction=True)  # like the worker: a refused statement undoes itself only
def test_a_lost_job_that_waits_a_second_time_already_is_dropped_and_does_not_stop_the_others() -> None:
    lost_twin = add_job("doing", heartbeat_age=120, lock="once")
    waiting = add_job("todo", lock="once")
    lost = add_job("doing", heartbeat_age=120)

    assert run(rescue_stalled_jobs) == 1

    assert statuses() == {waiting: "todo", lost: "todo"}
    assert lost_twin not in statuses()


def test_what_ended_long_ago_is_cleared_and_the_rest_stays() -> None:
    add_job("succeeded", ended_days=8)
    fresh = add_job("succeeded", ended_days=2)
    waiting = add_job("todo")

    run(clear_finished_jobs)

    assert statuses() == {fresh: "succeeded", waiting: "todo"}


def test_the_months_ahead_get_their_partitions_once() -> None:
    names = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'core_event'::regclass ORDER BY 1"
    before = fetch_all(names)
    execute("DO $$ BEGIN EXECUTE 'DROP TABLE core_event_' || to_char(now() + interval '2 months', 'YYYYMM'); END $$")
    assert fetch_all(names) != before

    prepare_event_partitions.func(0)
    prepare_event_partitions.func(0)

    assert fetch_all(names) == before


def test_the_upkeep_is_scheduled() -> None:
    assert {name.rpartition(".")[2] for name, _ in app.periodic_registry.periodic_tasks} >= {
        "rescue_stalled_jobs",
        "clear_finished_jobs",
        "prepare_event_partitions",
    }
