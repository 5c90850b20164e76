"""Running the embedded server: started by whoever needs it first, shared, stopped after the last one.

Three lock files say who does what, and the system drops a lock with its process, so that nothing goes stale:
``server.lock`` guards every start and stop; ``users.lock`` is held shared by each process that uses the
server; ``keeper.lock`` is held by the process that stops the server when its users were killed
(``keeper``). Order: server before users. Whether the server lives is asked by connecting to it, never taken
from its pid file.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import psycopg

from tongpan.core.config import Config
from tongpan.core.datadir import locks_dir, prepare_data_dir
from tongpan.core.errors import Refusal
from tongpan.core.postgres.binaries import Binaries, find_binaries
from tongpan.core.postgres.cluster import cluster_major, init_cluster, write_settings
from tongpan.core.postgres.location import DATABASE, PORT, USER, cluster_dir, socket_dir
from tongpan.core.postgres.placement import Placement, place, reachable
from tongpan.core.postgres.postmaster import find_postmaster

START_SECONDS = 120
# How long a server that is starting, stopping or leaving processes behind may take before we give up on it.
PATIENCE_SECONDS = 150
STOP_SECONDS = 120
SOURCE_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server. version: as the server says it ("18.4")."""

    config: Config
    version: str
    is_started_here: bool

    def heal(self) -> bool:
        """Start the server again if it died, and its keeper. Returns whether the server was started."""
        if find_postmaster(cluster_dir(self.config).resolve()) is not None and _has_keeper(self.config):
            return False
        with _locked(self.config, "server"):
            return _ensure_started(self.config).is_started_here


@contextmanager
def running_server(config: Config) -> Iterator[Server | None]:
    """The embedded server, running as long as the block lasts; None at once when a database URL is set.

    Starts it when it does not run, making the database first when there is none; on leaving, stops it unless
    another process uses it. After ``kill -9`` of anything the next entry heals what was left behind.
    Locks: the server lock while starting and stopping, the users lock (shared) all the time.
    Raises Refusal("postgres.…") or Refusal("datadir.unusable") with what to do.
    """
    if not config.is_embedded:
        yield None
        return
    prepare_data_dir(config)
    with _locked(config, "server"):
        server = _ensure_started(config)
        users = _open_lock(config, "users")
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield server
    finally:
        with _locked(config, "server"):
            fcntl.flock(users, fcntl.LOCK_UN)
            if _is_unused(users):
                stop_server(config)
            os.close(users)


def is_answering(config: Config) -> bool:
    """Whether the embedded server of ``config`` accepts connections right now."""
    return isinstance(_ask(config), str)


def stop_server(config: Config) -> None:
    """Stop the embedded server in good order. The caller holds the server lock; nobody uses the server."""
    placement = place(config)
    postmaster = find_postmaster(placement.cluster)
    if postmaster is None:
        return
    postmaster.stop()
    if not postmaster.wait(STOP_SECONDS):
        raise Refusal(
            "postgres.stop",
            f"PostgreSQL (process {postmaster.pid}) did not stop within {STOP_SECONDS} s; "
            f"it is still writing. See {placement.cluster / 'log'}.",
        )


def _ensure_started(config: Config) -> Server:
    """Start the server unless it runs, and see that a keeper watches it. The caller holds the server lock."""
    version = _ask(config)
    is_started_here = not isinstance(version, str)
    if not isinstance(version, str):
        placement = place(config)
        binaries = _init(placement)
        # Before the start: when that fails half-way, the keeper stops what nobody uses.
        _ensure_keeper(config)
        version = _start(config, placement, binaries)
    _ensure_keeper(config)
    return Server(config, version, is_started_here)


def _init(placement: Placement) -> Binaries:
    major = cluster_major(placement.cluster)
    binaries = reachable(placement, find_binaries(major))
    if major is None:
        init_cluster(placement, binaries)
    return binaries


def _start(config: Config, placement: Placement, binaries: Binaries) -> str:
    """Start and wait; tried again while processes that a killed postmaster left behind still end."""
    write_settings(placement)
    log = _start_log(config, placement)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        postmaster = find_postmaster(placement.cluster)
        if postmaster is None:
            _remove_stale_locks(placement)
            is_up, words = _pg_ctl_start(placement, binaries, log)
            is_worth_waiting = "still in use" in words
        else:  # it is starting, recovering or stopping: all of them end
            is_up, words, is_worth_waiting = True, "", True
        answer = _ask(config)
        if isinstance(answer, str):
            _ensure_database(config)
            return answer
        if answer is _Silence.STARTING:  # replaying its log after a crash takes as long as it takes
            deadline = time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > deadline or not (is_up or is_worth_waiting):
            raise Refusal(
                "postgres.start",
                f"PostgreSQL {binaries.version} did not start in {placement.cluster}: "
                f"{words or 'it does not answer yet'}. See {log} and {placement.cluster / 'log'}.",
            )
        time.sleep(0.2)


def _pg_ctl_start(placement: Placement, binaries: Binaries, log: Path) -> tuple[bool, str]:
    """Returns whether it is up, and else the last complaint of the server."""
    command = [binaries.tool("pg_ctl"), "-D", str(placement.cluster), "-w", "-t", str(START_SECONDS)]
    logs = log.parent
    sizes = {path: path.stat().st_size for path in logs.glob("*.log")}
    done = subprocess.run(  # noqa: S603
        [*command, "-l", str(log), "start"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        **placement.as_account(),
    )
    fresh = "\n".join(path.read_bytes()[sizes.get(path, 0) :].decode(errors="replace") for path in logs.glob("*.log"))
    complaints = re.findall(r"(?:FATAL|PANIC): +(.+)", fresh)
    return done.returncode == 0, complaints[-1] if complaints else ""


def _remove_stale_locks(placement: Placement) -> None:
    """Remove the lock files of a postmaster that is known to be gone.

    PostgreSQL itself only asks whether any process has that number: one that belongs to another program by
    now, or to a zombie in a container, would keep it from ever starting. Processes that a killed postmaster
    left behind are still found by their shared memory, which needs no file.
    """
    (placement.cluster / "postmaster.pid").unlink(missing_ok=True)
    (placement.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _start_log(config: Config, placement: Placement) -> Path:
    """An empty file for the words of this start, and a link in the logs folder to the server's own log."""
    folder = placement.cluster / "log"
    folder.mkdir(exist_ok=True, mode=0o700)
    placement.own(folder)
    link = config.logs_dir / "postgres"
    if not link.is_symlink():
        link.symlink_to(folder, target_is_directory=True)
    log = folder / "start.log"
    log.write_text("")
    placement.own(log)
    return log


def _connect(config: Config) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(socket_dir(config)),
        port=PORT,
        user=USER,
        dbname="postgres",
        connect_timeout=5,
        autocommit=True,
        application_name="tongpan supervisor",
    )


class _Silence(Enum):
    """Why no version was answered."""

    ABSENT = "nobody answers"
    STARTING = "it is there, but does not take connections yet"


def _ask(config: Config) -> str | _Silence:
    """The version of the server that answers for this cluster, or why there is none."""
    if not (socket_dir(config) / f".s.PGSQL.{PORT}").exists():
        return _Silence.ABSENT
    try:
        with _connect(config) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
            version = connection.execute("SHOW server_version").fetchone()
    except psycopg.OperationalError as error:
        is_starting = any(words in str(error) for words in ("starting up", "not yet accepting", "recovery mode"))
        return _Silence.STARTING if is_starting else _Silence.ABSENT
    if row is None or version is None or Path(str(row[0])) != cluster_dir(config).resolve():
        return _Silence.ABSENT
    return str(version[0])


def _ensure_database(config: Config) -> None:
    with _connect(config) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f'CREATE DATABASE "{DATABASE}"'.encode())


def _ensure_keeper(config: Config) -> None:
    """Start the keeper if there is none. It inherits the locked file, so that its lock ends with it."""
    fd = _open_lock(config, "keeper")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return
    users, server = _lock_path(config, "users"), _lock_path(config, "server")
    users.touch(mode=0o600)
    arguments = [str(users), str(server), str(fd), str(cluster_dir(config).resolve())]
    with (config.logs_dir / "keeper.log").open("ab") as log:
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tongpan.core.postgres.keeper", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=os.environ | {"PYTHONPATH": str(SOURCE_ROOT)},
            pass_fds=[fd],
            start_new_session=True,
        )
    os.close(fd)


def _has_keeper(config: Config) -> bool:
    fd = _open_lock(config, "keeper")
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _is_unused(users: int) -> bool:
    """Whether nobody holds the users lock; on True this process holds it alone. Needs the server lock.

    The keeper may hold it alone for an instant, to see that nobody uses the server: that is no user.
    """
    while True:
        for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            try:
                fcntl.flock(users, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return kind == fcntl.LOCK_EX
        time.sleep(0.005)


def _lock_path(config: Config, name: str) -> Path:
    return locks_dir(config) / f"{name}.lock"


def _open_lock(config: Config, name: str) -> int:
    return os.open(_lock_path(config, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def _locked(config: Config, name: str) -> Iterator[None]:
    fd = _open_lock(config, name)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
