"""``tongpan patrol``: prices seen on the channels."""

from __future__ import annotations

from pathlib import Path

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def patrol() -> None:
    """Take in prices seen on the channels, and say which are due to be looked at."""


@patrol.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--encoding", default="", help="Encoding of the file, when it is not found rightly (gb18030).")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Do everything and take it back: nothing is stored.")
@json_option
@with_database
def import_prices(file: Path, encoding: str, is_dry_run: bool, as_json: bool) -> None:
    """Take in FILE (CSV, TSV, XLSX) with a price on each row; docs/reference/formats.md names the columns.

    Good rows go in; bad rows come out in FILE.errors.csv with line, column, value and reason. A second run of the
    same file changes nothing.
    """
    from tongpan.connectors.actions import import_path
    from tongpan.core.clock import utc_now

    result = import_path(
        file,
        format_name="price-observations",
        encoding=encoding,
        is_dry_run=is_dry_run,
        actor="cli",
        now=utc_now(),
    )
    if as_json:
        echo_json(result)
        return
    if is_dry_run:
        click.echo("Dry run, nothing was stored:")
    for name in ("accepted", "unchanged", "rejected"):
        click.echo(f"{result[name]:>10,}  {name}")
    if result["errors_file"]:
        click.echo(f"Rejected rows with their reasons: {', '.join(result['errors_files'])}")


@patrol.command("due")
@click.option("--who", "assignee", default="", metavar="NAME", help="Only what this person looks at.")
@click.option("--overdue", is_flag=True, help="Only what was due a day ago or earlier.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 50_000))
@json_option
@with_database
def show_due(assignee: str, overdue: bool, limit: int, as_json: bool) -> None:
    """List the prices that somebody has to look at, the latest first."""
    from tongpan.core.clock import utc_now
    from tongpan.pricing.patrol.queries.patrols import due_list

    rows = due_list(utc_now(), assignee=assignee, overdue=overdue, limit=limit)
    if as_json:
        echo_json(
            [
                {
                    "plan": row.plan,
                    "assignee": row.assignee,
                    "sku": row.sku,
                    "channel": row.channel,
                    "last_at": row.last_at and row.last_at.isoformat(),
                    "due_at": row.due_at.isoformat(),
                    "days_late": row.days_late,
                }
                for row in rows
            ]
        )
        return
    if not rows:
        click.echo("Nothing is due.")
    for row in rows:
        late = f"{row.days_late} days late" if row.days_late else "due"
        click.echo(f"{row.sku}  {row.channel}  {row.assignee}  {late}  ({row.plan})")
