"""Bringing the tables up to this version, once, whoever else tries it at the same time."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tongpan.channels.actions import load_presets
from tongpan.core import eventlog_transfer
from tongpan.core.errors import Refusal

# Any number that nobody else uses for an advisory lock of this database.
LOCK = 7_466_721


@dataclass(frozen=True, slots=True)
class State:
    """pending: "app.name" of what the database lacks, in the order it would be applied.
    unknown: what it has and this version does not know, because a newer version migrated it.
    """

    pending: list[str]
    unknown: list[str]


def state() -> State:
    """Compare the tables' migrations with those of this version."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    ours = {app for app, _ in loader.disk_migrations}
    surplus = set(loader.applied_migrations) - set(loader.disk_migrations) - set(loader.replacements)
    return State(
        pending=[f"{migration.app_label}.{migration.name}" for migration, _ in plan],
        unknown=sorted(f"{app}.{name}" for app, name in surplus if app in ours),
    )


def migrate() -> list[str]:
    """Apply what is pending, and add the classes of channels that are missing; returns the names applied.

    A database restored from the dump of another server has its event log renumbered (``core.eventlog_transfer``).

    Locks: an advisory lock of the session, so that of two processes one migrates and the other finds it done.
    Raises Refusal("database.newer") when the database was migrated by a newer version.
    """
    before = state()
    _refuse_newer(before)
    if not before.pending and not eventlog_transfer.is_foreign():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            pending = state().pending
            call_command("migrate", interactive=False, verbosity=0)
            load_presets([])
            eventlog_transfer.adopt()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return pending


def refuse_when_behind() -> None:
    """Raises Refusal: "database.not_migrated", "database.newer" or "database.not_adopted"."""
    now = state()
    _refuse_newer(now)
    if now.pending:
        raise Refusal(
            "database.not_migrated",
            f"The tables of the database are {len(now.pending)} migrations behind this version of Tongpan. "
            "Make a backup and run `tongpan migrate`.",
        )
    if eventlog_transfer.is_foreign():
        raise Refusal(
            "database.not_adopted",
            "The database was restored from the dump of another server, and its event log still counts that server's "
            "transactions. Run `tongpan migrate`.",
        )


def _refuse_newer(now: State) -> None:
    if now.unknown:
        raise Refusal(
            "database.newer",
            "The database was migrated by a newer version of Tongpan "
            f"(it has {', '.join(now.unknown)}). Install that version, or restore a backup.",
        )
