"""``tongpan import``: take a file in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "format_name", default="", help="Name of the format; found by the headers when left out.")
@click.option("--shop", "shop_code", default="", help="Code of the shop that the rows belong to; made when new.")
@click.option("--mapping", "mapping_path", type=click.Path(path_type=Path), help="A mapping file of your own.")
@click.option("--encoding", default="", help="Encoding of the file, when it is not found rightly (gb18030, cp1252).")
@click.option(
    "--password",
    default="",
    prompt=True,
    prompt_required=False,
    hide_input=True,
    help="Of a protected ZIP archive; asked for when no value follows. Kept nowhere.",
)
@click.option("--channel", default="", help="Channel of a new shop (default: one of the shop's own code).")
@click.option("--currency", default="", help="Currency of a new shop's channel, such as CNY.")
@click.option("--zone", default="", help="Time zone of a new shop's channel, such as Asia/Shanghai.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Do everything and take it back: nothing is stored.")
@click.option("--no-wait", is_flag=True, help="Leave routing and metrics to the running worker.")
@json_option
@with_database
def import_(  # noqa: PLR0917
    file: Path,
    format_name: str,
    shop_code: str,
    mapping_path: Path | None,
    encoding: str,
    password: str,
    channel: str,
    currency: str,
    zone: str,
    is_dry_run: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Import FILE: a CSV, TSV, XLSX, .gz or .zip, or a folder of files that belong together.

    Good rows go in; bad rows come out in FILE.errors.csv with line, column, value and reason. A second run of
    the same file changes nothing.
    """
    from tongpan.connectors.actions import NewShop, import_path
    from tongpan.core.clock import utc_now
    from tongpan.runtime.readers import catch_up

    if format_name and mapping_path:
        raise click.UsageError("Give --format or --mapping, not both.")
    with _progress() as (told, following):
        result = import_path(
            file,
            format_name=format_name,
            shop_code=shop_code,
            mapping_path=mapping_path,
            encoding=encoding,
            password=password,
            new_shop=NewShop(channel, currency, zone),
            is_dry_run=is_dry_run,
            actor="cli",
            now=utc_now(),
            progress=told,
        )
        if result["accepted"] and not is_dry_run and not no_wait:
            catch_up(following)
    if as_json:
        echo_json(result)
    else:
        _print(result)


@contextmanager
def _progress() -> Iterator[tuple[Callable[[str, int, int], None], Callable[[int], None]]]:
    """A progress bar on a terminal, silence in a pipe: (for the import, for the readers that follow)."""
    if not sys.stderr.isatty():
        yield (lambda stage, done, total: None), (lambda left: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}
        most = 0

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        def following(left: int) -> None:
            nonlocal most
            most = max(most, left)
            told("following", most - left, most)

        yield told, following


def _print(result: dict[str, Any]) -> None:
    heading = "Dry run, nothing was stored: " if result["dry_run"] else ""
    click.echo(
        f"{heading}{result['format']}, {result['rows']:,} rows in {result['seconds']:.1f} s ({result['encoding']})"
    )
    for name in ("accepted", "unchanged", "rejected"):
        click.echo(f"{result[name]:>14,}  {name}")
    held = [(name, tally) for name, tally in result["classes"].items() if tally["rows"]]
    if held:
        click.echo(f"{'':>14}  {'':<12}{'rows':>12}{'documents':>12}{'amount':>20}")
    for name, tally in held:
        documents = f"{tally['documents']:,}" if "documents" in tally else ""
        click.echo(f"{'':>14}  {name:<12}{tally['rows']:>12,}{documents:>12}{_amount(tally):>20}")
    for name, count in result["records"].items():
        click.echo(f"{count:>14,}  {name}")
    if result["created"]:
        click.echo(f"Made: {', '.join(result['created'])}")
    for name, headers in result["unmapped_columns"].items():
        click.echo(f"Columns of {name} that the format does not use: {', '.join(headers)}")
    for status, count in result["unknown_statuses"].items():
        click.echo(f"Unknown status {status!r} on {count:,} documents: nothing was concluded from it.")
    for warning in result["warnings"]:
        click.echo(f"Note: {warning}")
    if result["errors_file"]:
        click.echo(f"Rejected rows with their reasons: {', '.join(result['errors_files'])}")


def _amount(tally: dict[str, Any]) -> str:
    if tally["amount"] is not None:
        return f"{tally['amount']}"
    return " + ".join(f"{amount} {currency}" for currency, amount in tally["amounts"].items())
