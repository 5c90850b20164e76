"""``tongpan metrics``: the numbers of the catalogue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

if TYPE_CHECKING:
    from tongpan.analytics.queries import MetricResult

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("metrics")
@click.argument("key", required=False)
@click.option("--by", "dimensions", metavar="DIM,DIM", default="", help="Group by these dimensions.")
@click.option("--from", "first", type=_DAY, metavar="DATE", help="First business day.")
@click.option("--to", "last", type=_DAY, metavar="DATE", help="Last business day, included.")
@click.option("--filter", "filters", multiple=True, metavar="DIM=VALUE", help="Keep only these; may be repeated.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Choose a setting of the definition.")
@click.option("--order", type=click.Choice(["value", "-value"]), help="Sort by value instead of the dimensions.")
@click.option("--limit", type=click.IntRange(min=1), help="Print at most so many rows.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--sql", "shows_sql", is_flag=True, help="Print the SQL instead of the numbers.")
@json_option
@with_database
def metrics(
    *,
    key: str | None,
    dimensions: str,
    first: datetime | None,
    last: datetime | None,
    filters: tuple[str, ...],
    settings: tuple[str, ...],
    order: str | None,
    limit: int | None,
    language: str,
    shows_sql: bool,
    as_json: bool,
) -> None:
    """Print one metric, the whole catalogue when no KEY is given, or with the KEY targets how each target is attained.

    Reads what the event log still holds first, so the number is of this moment. Days are business days in the
    zone of each channel; both --from and --to are included.
    """
    from tongpan.analytics import queries
    from tongpan.runtime.lake import bring_up_to_date

    if key is None:
        _print_catalogue(language, as_json=as_json)
        return
    if key == "targets":
        bring_up_to_date()
        _print_targets(first, last, language, as_json=as_json)
        return
    wanted: dict[str, list[str | None]] = {}
    for name, value in (_pair("--filter", text) for text in filters):
        wanted.setdefault(name, []).append(value or None)
    asked: dict[str, Any] = {
        "by": [name.strip() for name in dimensions.split(",") if name.strip()],
        "date_from": first.date() if first else None,
        "date_to": last.date() + timedelta(days=1) if last else None,
        "filters": wanted,
        "settings": dict(_pair("--set", text) for text in settings),
        "order": order or "",
        "limit": limit,
    }
    bring_up_to_date()
    if shows_sql:
        click.echo(queries.explain(key, **asked))
        return
    result = queries.metric(key, **asked)
    if as_json:
        echo_json(result.as_json(language))
    else:
        _print_result(result, language)


def _pair(option: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.BadParameter(f"{text!r} must be written as NAME=VALUE.", param_hint=option)
    return name, value


def _print_catalogue(language: str, *, as_json: bool) -> None:
    from tongpan.analytics.queries import catalogue

    found = catalogue()
    if as_json:
        echo_json(
            {
                "metrics": [metric.as_json(language) for metric in found.metrics.values()],
                "dimensions": [
                    {"key": dimension.key, "name": dimension.name.in_language(language)}
                    for dimension in found.dimensions.values()
                ],
            }
        )
        return
    width = max(len(key) for key in found.metrics)
    for metric in found.metrics.values():
        click.echo(f"{metric.key:<{width}}  {metric.name.in_language(language)}")
        click.echo(f"{'':<{width}}  {metric.formula.in_language(language)}")
        click.echo(f"{'':<{width}}  by {', '.join(metric.dimensions)}")


def _print_targets(first: datetime | None, last: datetime | None, language: str, *, as_json: bool) -> None:
    """Every target in its last period that is over, or in the days from ``first`` to ``last``."""
    from tongpan.analytics.targets.queries import attainments
    from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now

    if (first is None) != (last is None):
        raise click.UsageError("Give both --from and --to, or neither.")
    days = (first.date(), last.date() + timedelta(days=1)) if first and last else None
    found = attainments(today=business_day(utc_now(), DEFAULT_ZONE), days=days)
    if as_json:
        echo_json({"targets": [one.as_json() for one in found]})
        return
    rows = [("metric", "channel", "from", "to", "value", "needed", "reached", "state")]
    for one in found:
        value, wanted = (None if v is None else float(v) for v in (one.value, one.verdict.wanted))
        rows.append(
            (
                one.metric.name.in_language(language),
                one.channel or "total",
                one.period_from.isoformat(),
                (one.period_to - timedelta(days=1)).isoformat(),
                "-" if value is None else _text(value, one.metric.unit),
                "-" if wanted is None else _text(wanted, one.metric.unit),
                "-" if one.verdict.attained is None else f"{one.verdict.attained:.0%}",
                one.verdict.state,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_result(result: MetricResult, language: str) -> None:
    from rich.console import Console
    from rich.table import Table

    is_mixed = len({row.currency for row in result.rows if row.currency}) > 1
    unit = f" ({result.currency})" if result.currency and result.unit == "money" else ""
    table = Table(box=None, pad_edge=False)
    for name in (*result.by, *(("currency",) if is_mixed else ())):
        table.add_column(name)
    table.add_column(f"{result.metric.key}{unit}", justify="right")
    for row in result.rows:
        cells = [value or "—" for value in row.dimensions.values()]
        cells += [row.currency or "—"] if is_mixed else []
        table.add_row(*cells, _text(row.value, result.unit))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(result.definition.in_language(language), style="dim")


def _text(value: str | int | float | None, unit: str) -> str:
    if value is None:
        return "not defined"
    if unit == "percent":
        return f"{float(value):.2%}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)
