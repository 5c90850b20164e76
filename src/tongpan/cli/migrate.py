"""``tongpan migrate``: bring the tables of the database up to this version."""

from __future__ import annotations

import click

from tongpan.cli.session import database_session, echo_json, json_option


@click.command("migrate")
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database's tables up to this version of Tongpan."""
    with database_session(must_be_migrated=False):
        from tongpan.runtime import migrations

        applied = migrations.migrate()
    if as_json:
        echo_json({"applied": applied})
    elif applied:
        click.echo(f"Applied {len(applied)} migrations.")
    else:
        click.echo("The tables are up to date.")
