"""What the children do: serve the web, work on jobs, follow the event log."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from django.db import connections
from django.urls import get_resolver
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server as WebServer
from procrastinate.contrib.django import app as jobs

from tongpan.core.config import Config
from tongpan.core.errors import Refusal
from tongpan.runtime import readers

WEB_WORKERS_SETTING = "TONGPAN_WEB_WORKERS"
MOST_WEB_WORKERS_BY_DEFAULT = 4
# Each thread holds one database connection; pages wait for the database more than they compute.
WEB_THREADS = 4
JOBS_AT_ONCE = 2
# Jobs that share a lock are only found by polling: the default of 5 s would let one of them run every 5 s.
JOB_POLLING_SECONDS = 0.1
STOP_SECONDS = 10


def serve_web(config: Config, wsgi: str) -> None:
    """Serve the WSGI application named ``wsgi`` ("module:name") at the configured address until SIGTERM."""
    # The server forks its processes (on Linux): what is loaded before is loaded once, and a connection must not
    # have two owners.
    _ = get_resolver().url_patterns
    connections.close_all()
    WebServer(
        wsgi,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=web_workers(),
        blocking_threads=WEB_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.warning,
    ).serve()


def web_workers() -> int:
    """How many web processes run: TONGPAN_WEB_WORKERS, or one per processor up to four.

    Raises Refusal("config.invalid") when the setting is no positive number.
    """
    text = os.environ.get(WEB_WORKERS_SETTING, str(min(os.cpu_count() or 1, MOST_WEB_WORKERS_BY_DEFAULT)))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal("config.invalid", f"{WEB_WORKERS_SETTING} is {text!r}; it must be a number from 1 up.")
    return int(text)


def work_on_jobs() -> None:
    """Work on the job queue until SIGTERM; then running jobs get ``STOP_SECONDS`` to end."""
    with jobs.replace_connector(jobs.connector.get_worker_connector()) as worker:  # type: ignore[attr-defined]
        worker.run_worker(
            concurrency=JOBS_AT_ONCE,
            fetch_job_polling_interval=JOB_POLLING_SECONDS,
            shutdown_graceful_timeout=STOP_SECONDS,
        )


def follow_events() -> None:
    """Run the readers of the event log until SIGTERM; the batch at hand is finished first."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    readers.run_forever(stop)
