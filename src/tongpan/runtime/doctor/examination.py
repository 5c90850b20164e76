"""All checks in their order."""

from __future__ import annotations

from collections.abc import Iterator

from tongpan.core.config import Config
from tongpan.core.errors import Refusal
from tongpan.core.postgres.location import cluster_dir
from tongpan.runtime.doctor import machine
from tongpan.runtime.doctor.finding import Finding, Level, note, wrong
from tongpan.runtime.session import database_session


def examine(config: Config) -> Iterator[Finding]:
    """Run every check that can be run, in order; one that fails keeps only those that depend on it from running.

    The embedded server is started for it when it does not run, and stopped afterwards; a database that does not
    exist yet is not made.
    """
    folder = machine.data_directory(config)
    yield from (machine.python(), folder, machine.disk(config), machine.secrets(config))
    programs = list(machine.programs(config))
    yield from programs
    yield from (machine.charts(), machine.port(config))
    if any(finding.level == Level.WRONG for finding in (folder, *programs)):
        yield note("database", "Not looked at: that needs what is wrong above.")
    elif config.is_embedded and not cluster_dir(config).exists():
        yield note("database", "There is no database yet; `tongpan up` makes it.")
    else:
        yield from _database(config)


def _database(config: Config) -> Iterator[Finding]:
    try:
        with database_session(config, must_be_migrated=False):
            # Not at the top: the models need Django's apps, which are loaded only now.
            from tongpan.runtime.doctor import database  # noqa: PLC0415

            yield from database.server()
            yield from (database.letters(), database.durability())
            tables = database.tables()
            yield tables
            if tables.level == Level.OK:
                yield from (database.event_partitions(), database.readers(), database.open_transactions())
                yield from (database.jobs(), database.lake(), database.clock())
    except Refusal as refusal:
        yield wrong("database", refusal.sentence)
