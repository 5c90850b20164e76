"""``tongpan up``: the database, the web, the workers and the readers, kept running under one log.

Order of a start: refuse a second one, refuse a taken port, database, tables, children, loading, ready. A stop goes
the other way round: the web first, so that nothing new comes in, the readers last, then the database.
"""

from __future__ import annotations

import errno
import fcntl
import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from types import FrameType
from typing import Any

from django.db import connection

from tongpan import __version__
from tongpan.core.config import Config
from tongpan.core.datadir import locks_dir, prepare_data_dir
from tongpan.core.errors import Refusal
from tongpan.core.postgres.server import Server, running_server
from tongpan.runtime.children import Child
from tongpan.runtime.lifeline import GRACE_SECONDS
from tongpan.runtime.logstream import LogStream
from tongpan.runtime.session import database_session

# Their names, in the order in which they stop, and after how many seconds they start: on a small machine the web
# answers sooner when it loads alone.
CHILDREN = {"web": 0.0, "worker": 1.5, "readers": 1.5}
STOP_SECONDS = 15.0
LOOK_EVERY_SECONDS = 0.2
HEAL_EVERY_SECONDS = 1.0
# So long may the children of a killed run hold on to their port.
LEFTOVER_SECONDS = GRACE_SECONDS + 2.0
HEALTH_PATH = "/health/ready"
# The web is expected to answer within this; a slow machine with a cold disk takes a few seconds.
READY_SECONDS = 120.0
# This many failures of a child in a row before anything ever worked: starting again will not help.
HOPELESS_FAILURES = 4
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM while something runs in the foreground; not an Exception, so that nothing swallows it."""


def run(
    config: Config,
    before_ready: Callable[[], None] | None = None,
    banner: Callable[[], Sequence[str]] | None = None,
) -> None:
    """Run everything until Ctrl-C or SIGTERM; returns after all of it has stopped in order.

    before_ready: called in the foreground once the tables are there and the children run (with Django set up),
    for loading data; it may print and show progress while the log streams.
    banner: called when the web answers; its lines are printed below the ready line.
    Raises Refusal: "up.running" when this data directory is up already, "port.taken", "port.refused", "up.failed"
    when a child cannot be brought to run, and those of the database.
    """
    prepare_data_dir(config)
    with (
        _only_one(config) as was_killed,
        _claimed_port(config, LEFTOVER_SECONDS if was_killed else 0),
        closing(LogStream(config.logs_dir)) as log,
        _Signals() as signals,
    ):
        log.say(f"Tongpan {__version__} starts on {config.data_dir}")
        with running_server(config) as server:
            if server is not None:
                log.say(f"PostgreSQL {server.version} {'started' if server.is_started_here else 'runs already'}")
            with database_session(config):
                _run_children(config, signals, server, log, before_ready=before_ready, banner=banner)
        log.say("stopped")


def _run_children(
    config: Config,
    signals: _Signals,
    server: Server | None,
    log: LogStream,
    *,
    before_ready: Callable[[], None] | None,
    banner: Callable[[], Sequence[str]] | None,
) -> None:
    begin = time.monotonic()
    signals.children = [Child(name, log, begin + wait) for name, wait in CHILDREN.items()]
    with suppress(Interrupted), _kept_running(signals.children, server, log):
        with signals.foreground():
            if before_ready is not None:
                before_ready()
            _wait_until_ready(config, signals.children)
            log.say(f"ready: {url(config)} (Ctrl-C stops)")
            for line in banner() if banner is not None else ():
                log.say(line)
        connection.close()  # nothing more to ask: while it waits, the supervisor holds no session
        signals.stop.wait()


def url(config: Config) -> str:
    """The address to open in a browser on this machine."""
    host = "127.0.0.1" if config.host in ANY_ADDRESS else config.host
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}/"


def running_pid(config: Config) -> int | None:
    """The process id of the ``tongpan up`` of this data directory, or None when none runs."""
    path = locks_dir(config) / "up.lock"
    if not path.exists():
        return None
    with path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0)
    return None


def refuse_taken_port(config: Config) -> None:
    """Raises Refusal: "port.taken" when another program listens there, "port.refused" when we may not listen."""
    try:
        family, address = _address(config)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError as error:
        raise Refusal(
            "port.refused", f"You may not listen on port {config.port}. Set TONGPAN_PORT to one above 1023."
        ) from error
    except socket.gaierror as error:
        raise Refusal("port.refused", f"TONGPAN_HOST is {config.host!r}, which is no known address.") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refusal(
                "port.refused",
                f"{config.host} is no address of this machine. Set TONGPAN_HOST to 127.0.0.1, or to 0.0.0.0 to listen "
                "on all of its addresses.",
            ) from error
        raise Refusal(
            "port.taken",
            f"Port {config.port} on {config.host} is used by another program. Stop that program, or set TONGPAN_PORT "
            f"to a free port, for example: TONGPAN_PORT={config.port + 1} tongpan up",
        ) from error


def answers(config: Config) -> bool:
    """Whether the web answers at its address, and the database behind it."""
    host = "127.0.0.1" if config.host in ANY_ADDRESS else config.host
    connection = http.client.HTTPConnection(host, config.port, timeout=5)
    try:
        connection.request("GET", HEALTH_PATH)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _only_one(config: Config) -> Iterator[bool]:
    """Hold the right to be the one ``up`` of the data directory. Yields whether the last one was killed."""
    with (locks_dir(config) / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(
                "up.running",
                f"Tongpan already runs on {config.data_dir} (process {running_pid(config)}). Stop it first, or set "
                "TONGPAN_DATA_DIR and TONGPAN_PORT to run a second installation beside it.",
            ) from error
        lock.seek(0)
        was_killed = bool(lock.read())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield was_killed
        lock.truncate(0)


@contextmanager
def _claimed_port(config: Config, seconds: float) -> Iterator[None]:
    """Refuse a taken port, and keep other programs off it as long as the block lasts.

    seconds: how long the web of a killed run may still take to notice and end. On Linux the web's processes share
    their port by SO_REUSEPORT, which would let the web of a second installation join them unnoticed: the socket
    made here never listens, but makes every ``refuse_taken_port`` see that the port is taken.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            refuse_taken_port(config)
            break
        except Refusal:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_EVERY_SECONDS)
    family, address = _address(config)
    with socket.socket(family, socket.SOCK_STREAM) as claim:
        if sys.platform == "linux":
            claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            claim.bind(address)
        yield


def _address(config: Config) -> tuple[socket.AddressFamily, Any]:
    family, _, _, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
    return family, address


class _Signals:
    """Ctrl-C, SIGTERM and a closed terminal: the first one stops in order, the second one at once."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.children: list[Child] = []
        self._is_interruptible = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Signals:
        self._before = {number: signal.signal(number, self._on_signal) for number in self.NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def foreground(self) -> Iterator[None]:
        """Inside this block a signal raises Interrupted; elsewhere it only sets ``stop``."""
        if self.stop.is_set():
            raise Interrupted
        self._is_interruptible = True
        try:
            yield
        finally:
            self._is_interruptible = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set():
            for child in self.children:
                child.kill()
            return
        self.stop.set()
        if self._is_interruptible:
            raise Interrupted


@contextmanager
def _kept_running(children: Sequence[Child], server: Server | None, log: LogStream) -> Iterator[None]:
    """Keep ``children`` and ``server`` running as long as the block lasts, then stop the children in order."""
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(children, server, stop, log), name="watcher")
    watcher.start()
    try:
        yield
    finally:
        log.say("stopping")
        stop.set()
        watcher.join()
        for child in children:
            child.stop(STOP_SECONDS)


def _watch(children: Sequence[Child], server: Server | None, stop: threading.Event, log: LogStream) -> None:
    """Until ``stop``: start children that ended, and the database when it died."""
    heal_at = 0.0
    while not stop.wait(LOOK_EVERY_SECONDS):
        now = time.monotonic()
        if server is not None and now >= heal_at:
            heal_at = now + HEAL_EVERY_SECONDS
            try:
                if server.heal():
                    log.say("PostgreSQL had ended unexpectedly and was started again")
            except Refusal as refusal:
                log.say(refusal.sentence)
        for child in children:
            child.look(time.monotonic())


def _wait_until_ready(config: Config, children: Sequence[Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not answers(config):
        for child in children:
            if child.failures >= HOPELESS_FAILURES:
                raise Refusal(
                    "up.failed",
                    f"{child.name} ended {child.failures} times in a row. Its last words are in "
                    f"{config.logs_dir / f'{child.name}.log'}.",
                )
        if time.monotonic() > deadline:
            raise Refusal(
                "up.failed",
                f"The web did not answer at {url(config)} within {READY_SECONDS:g} s. "
                f"See {config.logs_dir / 'web.log'}.",
            )
        time.sleep(LOOK_EVERY_SECONDS / 2)
