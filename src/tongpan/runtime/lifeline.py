"""No process outlives the one that watches over it, even when that one is killed with ``kill -9``."""

from __future__ import annotations

import os
import signal
import threading
import time

SUPERVISOR = "TONGPAN_SUPERVISOR"
LOOK_EVERY_SECONDS = 0.5
GRACE_SECONDS = 12


def is_supervised() -> bool:
    """Whether this process runs under ``tongpan up`` (or below one that does)."""
    return SUPERVISOR in os.environ


def hold(parent: int | None = None) -> None:
    """End this process when its parent is gone: politely at first, by force after ``GRACE_SECONDS``.

    parent: the process to hold on to; by default the supervisor. Does nothing without a supervisor. Asks for the
    parent's number rather than relying on one system's notification, so that it is the same on Linux and macOS.
    """
    if is_supervised():
        expected = parent or int(os.environ[SUPERVISOR])
        threading.Thread(target=_watch, args=(expected,), name="lifeline", daemon=True).start()


def _watch(expected: int) -> None:
    while os.getppid() == expected:
        time.sleep(LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
