"""Real processes beside the test: what they do at once, and what is left of one that is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from django.db import connection, connections
from psycopg import IsolationLevel

_forked = multiprocessing.get_context("fork")


def run_together(works: Sequence[Callable[[], Any]], *, isolation: str = "read committed") -> list[Any]:
    """Run every callable in a process of its own, all starting at the same moment; their results, in order.

    Raises AssertionError with the traceback of a process that failed. Needs a test that commits: each process
    has a connection of its own.
    """
    start = _forked.Barrier(len(works))
    running = []
    for work in works:
        ours, theirs = _forked.Pipe()
        process = _forked.Process(target=_child, args=(work, start, theirs, isolation))
        process.start()
        theirs.close()
        running.append((process, ours))
    results = [_receive(ours) for _, ours in running]
    for process, _ in running:
        process.join()
    failed = [text for is_good, text in results if not is_good]
    assert not failed, "\n".join(failed)
    return [value for _, value in results]


def _receive(pipe: Connection) -> tuple[bool, Any]:
    try:
        return pipe.recv()  # type: ignore[no-any-return]
    except EOFError:
        return False, "a process died without an answer"


def _forget_inherited_connections() -> None:
    """Leave every connection that was open at the fork to the parent, whose socket it is.

    Closing them in the parent before the fork is not enough: after a browser test an event loop runs in its thread,
    and Django keeps one set of connections for code beside such a loop and another for code without one, as here.
    """
    for inherited in connections.all(initialized_only=True):
        inherited.connection = None


def _child(work: Callable[[], Any], start: Any, pipe: Connection, isolation: str) -> None:
    level = IsolationLevel[isolation.upper().replace(" ", "_")]
    connection.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"isolation_level": level}
    try:
        _forget_inherited_connections()
        connection.ensure_connection()
        start.wait(30)
        pipe.send((True, work()))
    except BaseException:
        pipe.send((False, traceback.format_exc()))
    finally:
        connections.close_all()
        pipe.close()


def kill_while(work: Callable[[], Any], is_reached: Callable[[], bool], *, seconds: float = 20) -> None:
    """Start ``work`` in a process and kill it with SIGKILL as soon as ``is_reached`` says so.

    Raises AssertionError when the process ends by itself before, for then nothing was proved.
    """
    process = _forked.Process(target=_alone, args=(work,))
    process.start()
    try:
        deadline = time.monotonic() + seconds
        while not is_reached():
            assert process.is_alive(), "the process ended before it could be killed"
            assert time.monotonic() < deadline, "the process never came to the point of being killed"
            time.sleep(0.002)
        os.kill(process.pid or 0, signal.SIGKILL)
    finally:
        if process.is_alive():
            process.kill()
        process.join()
    assert process.exitcode == -signal.SIGKILL


def _alone(work: Callable[[], Any]) -> None:
    _forget_inherited_connections()
    try:
        work()
    finally:
        connections.close_all()


def die_by_itself(work: Callable[[], Any], *, seconds: float = 30) -> None:
    """Run ``work``, which kills its own process with SIGKILL on the way; AssertionError when it does not."""
    process = _forked.Process(target=_alone, args=(work,))
    process.start()
    process.join(seconds)
    assert process.exitcode == -signal.SIGKILL
