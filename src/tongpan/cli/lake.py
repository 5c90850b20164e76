"""``tongpan lake``: look after the lake."""

from __future__ import annotations

import sys

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group("lake")
def lake() -> None:
    """The Parquet files that metrics are computed from."""


@lake.command("status")
@json_option
@with_database
def status(as_json: bool) -> None:
    """Show what the lake holds and how far it has read the event log."""
    from tongpan.analytics.queries import lake_status

    found = lake_status()
    if as_json:
        echo_json(found)
        return
    click.echo(f"{'table':<18} {'partitions':>10} {'rows':>12} {'bytes':>14}")
    for row in found["tables"]:
        click.echo(f"{row['table']:<18} {row['partitions']:>10,} {row['rows']:>12,} {row['bytes']:>14,}")
    click.echo(f"{found['waiting']:,} events wait to be read; last change taken in: {found['changed_at'] or 'never'}")


@lake.command("rebuild")
@json_option
@with_database
def rebuild(as_json: bool) -> None:
    """Write every file of the lake anew from the database. Readers go on meanwhile."""
    from tongpan.runtime.lake import rebuild_lake

    written = rebuild_lake()
    if as_json:
        echo_json({"partitions": written})
    else:
        click.echo(f"{written:,} partitions written.")


@lake.command("verify")
@json_option
@with_database
def verify(as_json: bool) -> None:
    """Compare every file and every row of the lake with the database. Exit code 1 when something differs."""
    from tongpan.analytics.queries import lake_differences
    from tongpan.runtime.lake import bring_up_to_date

    bring_up_to_date()
    differences = lake_differences()
    if as_json:
        echo_json({"clean": not differences, "differences": differences})
    else:
        for found in differences:
            click.echo(f"{found['table']} {found['partition']}: {found['reason']} ({found['rows']} rows)", err=True)
        click.echo("The lake says what the database says." if not differences else "Run: tongpan lake rebuild")
    if differences:
        sys.exit(1)
