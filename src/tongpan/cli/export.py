"""``tongpan export``: write a table to a file."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import click

from tongpan.cli.session import echo_json, json_option, with_database

TABLES = (
    *("orders", "lines", "returns", "stock", "customers", "goods", "channels", "shops", "nodes", "channel-days"),
    *("prices", "floors", "costs"),
)
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("export")
@click.argument("table", type=click.Choice(TABLES))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(("csv", "xlsx", "json")),
    help="Default: by the name of FILE, else csv.",
)
@click.option("--from", "day_from", type=DAY, help="First business day.")
@click.option("--to", "day_to", type=DAY, help="Business day to end before.")
@click.option("--channel", default="", help="Code of one channel.")
@click.option("--shop", default="", help="Code of one shop.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; the screen when left out.")
@json_option
@with_database
def export(  # noqa: PLR0917
    table: str,
    file_format: str | None,
    day_from: datetime | None,
    day_to: datetime | None,
    channel: str,
    shop: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Export TABLE as CSV, XLSX or JSON. Personal data leaves masked.

    What "lines", "stock", "shops", "nodes", "channel-days", "prices", "floors" and "costs" write, "tongpan import"
    reads back.
    """
    from tongpan.connectors.exports import TABLES as KNOWN
    from tongpan.connectors.exports import Filters, rows_of, write

    suffix = out.suffix.lower().lstrip(".") if out else ""
    chosen = file_format or (suffix if suffix in ("xlsx", "json") else "csv")
    if out is None and (chosen == "xlsx" or as_json):
        raise click.UsageError("Give --out FILE: a workbook, or the result beside --json, cannot go to the screen.")
    filters = Filters(_day(day_from), _day(day_to), channel, shop)
    _check(channel, shop)
    count = write(rows_of(table, filters), KNOWN[table].columns, chosen, out or sys.stdout.buffer)
    if as_json:
        echo_json({"table": table, "rows": count, "format": chosen, "file": out})
    elif out is not None:
        click.echo(f"{count:,} rows of {table} are in {out}.", err=True)


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


def _check(channel: str, shop: str) -> None:
    from tongpan.channels.models import Channel, Shop
    from tongpan.core.errors import Refusal

    if channel and not Channel.objects.filter(code=channel).exists():
        raise Refusal("channel.unknown", f"There is no channel {channel!r}.")
    if shop and not Shop.objects.filter(code=shop).exists():
        raise Refusal("shop.unknown", f"There is no shop {shop!r}.")
