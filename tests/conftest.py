"""One PostgreSQL for the whole run, closed doors to the outside, and a browser where there is one.

The run starts its own server in a temporary folder. Each xdist worker gets a data directory of its own and, from
pytest-django, a database of its own. The environment is set here, before anything imports the settings.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tongpan.core.config import Config
from tongpan.core.postgres.location import DATABASE, USER, socket_dir
from tongpan.core.postgres.server import running_server

pytest_plugins = ["tests.support.fixtures"]
RUN_DIR = "TONGPAN_TEST_RUN_DIR"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_PATHS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
NO_CHROMIUM = (
    "no Chromium is installed: on Debian run `make test` as root or `apt-get install chromium fonts-noto-cjk`, "
    "elsewhere install Chromium or Chrome, or set TONGPAN_CHROMIUM to its program"
)


def _begin_run() -> None:
    """Make the run's folder in the first process; its workers inherit the variable that names it."""
    if RUN_DIR not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="tongpan-tests-", dir="/tmp"))
        folder.chmod(0o711)  # root's server runs as another user, who must reach it
        os.environ[RUN_DIR] = str(folder)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    os.environ["TONGPAN_DATA_DIR"] = str(Path(os.environ[RUN_DIR]) / worker)
    os.environ["TONGPAN_DATABASE_URL"] = (
        f"postgresql://{USER}@/{DATABASE}?host={socket_dir(_server_config())}&port=5432"
    )
    os.environ["DJANGO_SETTINGS_MODULE"] = "tongpan.settings"
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "src")


def _server_config() -> Config:
    return Config(data_dir=Path(os.environ[RUN_DIR]) / "server", database_url="", host="127.0.0.1", port=8600)


_begin_run()
_until_the_end = ExitStack()
_skipped: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _start_server()
    django.setup()
    _empty_only_what_was_written()


def _empty_only_what_was_written() -> None:
    """After a test that commits, the framework empties every table there is and fills its own again; most are empty."""
    from django.test import TransactionTestCase
    from tests.support.database import empty_what_was_written

    TransactionTestCase._fixture_teardown = lambda _: empty_what_was_written()  # type: ignore[method-assign]


def _start_server() -> None:
    _until_the_end.callback(shutil.rmtree, os.environ[RUN_DIR], ignore_errors=True)
    _until_the_end.enter_context(running_server(_server_config()))
    with psycopg.connect(os.environ["TONGPAN_DATABASE_URL"], autocommit=True) as connection:
        # What the tests write need not survive a power cut.
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _until_the_end.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Files with long cases come first, so that no worker begins one when the others are done.
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
    if os.geteuid() != 0:
        left_out = [item for item in items if item.get_closest_marker("needs_root")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    if chromium() is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _skipped and os.environ.get("CI") == "true" and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _skipped and os.environ.get("CI") == "true":
        terminalreporter.section("skipped, which CI=true forbids", sep="=", red=True)
        for nodeid in _skipped:
            terminalreporter.line(nodeid)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The tables are made once: each worker's database begins as a copy of the one that the first of them filled."""
    lock = Path(os.environ[RUN_DIR]) / "tables.lock"
    with lock.open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        if made.tell() == 0:
            # The database keeps a check of the vault's keys, so they have to lie where this process looks for them.
            environment = os.environ | {"TONGPAN_DATA_DIR": str(settings.CONFIG.data_dir)}
            command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
            subprocess.run(command, env=environment, check=True)
            made.write("made")
    connection.settings_dict["TEST"]["TEMPLATE"] = DATABASE


@pytest.fixture(autouse=True)
def _closed_doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test may talk to another machine."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"A test tried to reach {address[0]}; tests talk to this machine only.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    yield


# Tables that Django does not know as ours and leaves as they are when it empties the database after a test.
UNMANAGED = (
    "core_event, core_cursor, procrastinate_jobs, procrastinate_events, procrastinate_workers, "
    "procrastinate_periodic_defers"
)


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that really commits leaves no event and no job to the next one."""
    yield
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and marker.kwargs.get("transaction", False)
    if commits or {"transactional_db", "live_server"} & set(request.fixturenames):
        with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {UNMANAGED} RESTART IDENTITY CASCADE")


def chromium() -> str | None:
    """The program of an installed Chromium or Chrome."""
    named = os.environ.get("TONGPAN_CHROMIUM")
    if named:
        return named
    found = [shutil.which(name) for name in CHROMIUM_NAMES] + [p for p in CHROMIUM_PATHS if Path(p).exists()]
    return next((path for path in found if path), None)


# The driver of the browser leaves an event loop set as running in this thread for the rest of the run, and Django keeps
# one set of connections for code beside such a loop and another for code without one. Tests without a browser are to
# see no loop, from the first fixture to the last: otherwise a test may begin on one connection and go on with another.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    loop = None if item.get_closest_marker("browser") else asyncio._get_running_loop()
    if loop is not None:
        asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        if loop is not None and not loop.is_closed():
            asyncio._set_running_loop(loop)


@pytest.fixture(scope="session")
def browser(browser: Any) -> Iterator[Any]:
    """The browser of the plugin; at the end of the run its driver gets its loop back, also after other tests."""
    loop = asyncio._get_running_loop()
    yield browser
    asyncio._set_running_loop(loop)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the installed browser, without its own traffic to the outside."""
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {
        **browser_type_launch_args,
        "executable_path": chromium(),
        "args": [*quiet, "--disable-component-update", *sandbox],
    }
