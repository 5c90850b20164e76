"""Looking at the database as a whole: what is in it, what changed, what was sent to it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tongpan.core.bulk import execute, fetch_all

# Session state and the job queue are no part of what the rooms write.
_NOT_OURS = ("django_", "procrastinate_", "auth_")


def tables() -> list[str]:
    """Our own tables, partitions of the event log left to their parent."""
    rows = fetch_all(
        """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""
    )
    return [name for (name,) in rows if not name.startswith(_NOT_OURS)]


def row_counts() -> dict[str, int]:
    """The number of rows of every table of ours that has any."""
    sql = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in tables())
    return {name: number for name, number in fetch_all(sql) if number}


def contents() -> dict[str, list[str]]:
    """Every row of every table of ours as text, sorted."""
    found = {}
    for name in tables():
        rows = sorted(text for (text,) in fetch_all(f'SELECT t::text FROM "{name}" t'))
        if rows:
            found[name] = rows
    return found


def truncate(*names: str) -> None:
    """Empty tables that the framework does not know and would leave as they are."""
    execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")


# What migrations leave in the tables and tests expect to find there.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")


def empty_what_was_written() -> None:
    """Empty every table that has been written to since it was last emptied; the others cost nothing."""
    written = fetch_all(
        """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0
                 AND c.relname <> ALL (%s) ORDER BY 1""",
        [list(_KEPT)],
    )
    if written:
        execute(f"TRUNCATE {', '.join(name for (name,) in written)} CASCADE")


@contextmanager
def without_triggers() -> Iterator[None]:
    """Let a test take away what the database keeps for good, as a restore or a repair by hand would."""
    execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        execute("SET session_replication_role = DEFAULT")


def settle(seconds: float = 120) -> None:
    """Wait until no other database of the server has a transaction open that began before now.

    A reader waits for every older transaction of the whole server, and other tests run beside this one.
    """
    (begun,) = fetch_all("SELECT clock_timestamp()")[0]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        older = fetch_all(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname <> current_database() AND backend_xid IS NOT NULL AND xact_start <= %s""",
            [begun],
        )
        if older == [(0,)]:
            return
        time.sleep(0.05)
    raise AssertionError("another test holds a transaction open")


@contextmanager
def rolled_back() -> Iterator[None]:
    """Whatever happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collects the SQL that is sent to the database, COPY included; filled when the block ends."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [str(query["sql"]) for query in captured.captured_queries]


def shape(sql: str) -> str:
    """The beginning of a statement in one line, for messages of failing tests."""
    return re.sub(r"\s+", " ", sql).strip()[:90]
