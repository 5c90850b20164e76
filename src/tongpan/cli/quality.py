"""``tongpan quality``: how well the channels' data and ours agree."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.command("quality")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="How far back to look.")
@json_option
@with_database
def quality(days: int, as_json: bool) -> None:
    """Compare the channels' copies with ours, and say how far behind channels and readers are."""
    from tongpan.core.clock import utc_now
    from tongpan.runtime.quality import report

    made = report(utc_now(), days)
    if as_json:
        echo_json(made)
        return
    for name in ("data_sync_error_rate", "customer_sync_rate"):
        one = made[name]
        share = "no data" if one["rate"] is None else f"{one['rate']:.2%} ({one['number']:,} of {one['base']:,})"
        state = {True: "met", False: "missed", None: "-"}[one["is_met"]]
        click.echo(f"{one['kpi']}  {name}  {share}  target {one['target']:.0%}  {state}")
    for row in made["rows"]:
        click.echo(f"{row['channel'] or '*'}  {row['kind']}  {row['rejected']:,} of {row['seen']:,} refused")
    for row in made["reader_lag"]:
        click.echo(f"reader {row['reader']}: {row['events']:,} events behind")
    click.echo(f"{len(made['mismatches'])} records listed; --json shows them.")
