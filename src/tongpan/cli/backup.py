"""``tongpan backup`` and ``tongpan restore``."""

from __future__ import annotations

from pathlib import Path

import click

from tongpan.cli.session import configuration, database_session, echo_json, json_option, with_database

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("backup")
@click.argument("folder", type=FOLDER)
@json_option
@with_database
def backup(folder: Path, as_json: bool) -> None:
    """Write a backup into FOLDER: database, keys and uploads. Tongpan may run meanwhile.

    Keep FOLDER as safe as the installation itself: it holds the keys to all personal data.
    """
    from tongpan.runtime.backup import back_up

    made = back_up(configuration(), folder)
    if as_json:
        echo_json({"folder": made.folder, "version": made.version, "made_at": made.made_at, "bytes": made.size})
    else:
        click.echo(f"{made.size:,} bytes are in {made.folder}. It holds the keys to all personal data: keep it safe.")


@click.command("restore")
@click.argument("folder", type=FOLDER)
@json_option
def restore(folder: Path, as_json: bool) -> None:
    """Fill a new installation from the backup in FOLDER, and bring it up to this version.

    The data directory and the database must be empty; nothing is ever overwritten.
    """
    with database_session(must_be_migrated=False):
        from tongpan.runtime import backup as backups

        made = backups.restore(configuration(), folder)
    if as_json:
        echo_json({"folder": made.folder, "version": made.version, "made_at": made.made_at, "bytes": made.size})
    else:
        click.echo(f"Restored what version {made.version} backed up at {made.made_at}. Prove it: tongpan reconcile")
