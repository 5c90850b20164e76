"""``tongpan supply``: how long stock lasts, where it should go, how often it turned over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group("supply")
def supply() -> None:
    """How long stock lasts, where central stock should go, how often it turned over."""


def _days(value: Fraction | None) -> str | None:
    return None if value is None else str((Decimal(value.numerator) / value.denominator).quantize(Decimal("0.1")))


@supply.command("list")
@click.option("--state", type=click.Choice(["overstock", "slow", "out", "normal"]), multiple=True)
@click.option("--node", "node_code", default="", help="At one node alone.")
@click.option("--window", type=click.IntRange(1, 366), default=28, show_default=True, help="Days of sales.")
@click.option("--max-days", type=click.IntRange(1, 3660), default=90, show_default=True, help="More is overstock.")
@click.option("--slow-days", type=click.IntRange(1, 3660), default=60, show_default=True, help="Longer is slow.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
@with_database
def list_(
    *,
    state: tuple[str, ...],
    node_code: str,
    window: int,
    max_days: int,
    slow_days: int,
    limit: int,
    as_json: bool,
) -> None:
    """List SKUs and how long their stock lasts, most surplus first."""
    from tongpan.core.clock import utc_now
    from tongpan.forecasting.engine import Limits
    from tongpan.forecasting.queries import supply_list

    limits = Limits(window, max_days, slow_days)
    rows = supply_list(now=utc_now(), limits=limits, states=state, node_code=node_code)[:limit]
    if as_json:
        echo_json(
            [
                {
                    "sku": row.sku_code,
                    "name": row.sku_name,
                    "state": row.supply.state,
                    "free": row.free,
                    "sold": row.sold,
                    "days": _days(row.supply.days),
                    "idle_days": row.idle_days,
                    "surplus": row.supply.surplus,
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        lasts = f"{_days(row.supply.days)} days" if row.supply.days is not None else "no sales"
        click.echo(
            f"{row.supply.state:<10} {row.sku_code:<16} {row.free:>9,} free  {row.sold:>7,} sold  "
            f"{lasts:>14}  {row.supply.surplus:>9,} surplus  {row.sku_name}"
        )


@supply.command("allocate")
@click.option("--node", "node_code", default="", help="Only what should go to this node.")
@click.option("--sku", "text", default="", help="The beginning of a SKU code.")
@click.option("--window", type=click.IntRange(1, 366), default=28, show_default=True, help="Days of sales.")
@click.option("--target", "target_days", type=click.IntRange(1, 366), default=30, show_default=True, help="Days.")
@click.option("--accept", "is_accepted", is_flag=True, help="Make a draft transfer of each pair of nodes.")
@json_option
@with_database
def allocate(*, node_code: str, text: str, window: int, target_days: int, is_accepted: bool, as_json: bool) -> None:
    """Propose where the free stock of the central warehouses should go, by each channel's sales."""
    from tongpan.core.clock import utc_now
    from tongpan.forecasting.actions import take_up
    from tongpan.forecasting.queries import allocation

    rows = allocation(now=utc_now(), window=window, target_days=target_days, text=text, node_code=node_code)
    if is_accepted:
        outcomes = take_up(rows, actor="command line", now=utc_now())
        for outcome in outcomes:
            click.echo(f"{outcome.state}: transfer {outcome.transfer_id or ''} {outcome.reason}".rstrip(), err=True)
    if as_json:
        echo_json(
            [
                {
                    "sku": row.sku_code,
                    "from": row.from_code,
                    "to": row.to_code,
                    "units": row.units,
                    "have": row.have,
                    "sold": row.sold,
                    "days_before": _days(row.before),
                    "days_after": _days(row.after),
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        click.echo(
            f"{row.sku_code:<16} {row.from_code:>12} → {row.to_code:<12} {row.units:>8,} units  "
            f"lasts {_days(row.before)} → {_days(row.after)} days"
        )
    if not rows:
        click.echo("Nothing to move.")


@supply.command("forecast")
@click.option("--compute", "is_computed", is_flag=True, help="Forecast anew first; it is done every night.")
@click.option("--state", type=click.Choice(["short", "order", "slow", "normal", "unknown"]), multiple=True)
@click.option("--sku", "text", default="", help="The beginning of a SKU code, or words of its name.")
@click.option("--lead", type=click.IntRange(1, 180), default=7, show_default=True, help="Days until goods come.")
@click.option("--review", type=click.IntRange(0, 90), default=7, show_default=True, help="Days between orders.")
@click.option("--service", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
@click.option("--max-days", type=click.IntRange(1, 730), default=90, show_default=True, help="More is too much.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
@with_database
def forecast(
    *,
    is_computed: bool,
    state: tuple[str, ...],
    text: str,
    lead: int,
    review: int,
    service: float,
    max_days: int,
    limit: int,
    as_json: bool,
) -> None:
    """Print what is expected of each SKU's demand, what to order and what will lie too long, soonest out first."""
    from tongpan.core.clock import utc_now
    from tongpan.forecasting.demand.actions import compute_forecasts
    from tongpan.forecasting.demand.engine import Aims
    from tongpan.forecasting.demand.queries import expected_list

    if is_computed:
        click.echo(f"{compute_forecasts(now=utc_now()):,} SKUs have a forecast.", err=True)
    rows = expected_list(aims=Aims(lead, review, service, max_days), states=state, text=text)[:limit]
    if as_json:
        echo_json(
            [
                {
                    "sku": row.sku_code,
                    "name": row.sku_name,
                    "state": row.outlook.state,
                    "method": row.forecast.method if row.forecast else None,
                    "free": row.free,
                    "on_order": row.on_order,
                    "expected": round(row.outlook.expected, 1),
                    "days_left": None if row.outlook.days_left is None else round(row.outlook.days_left, 1),
                    "order_point": row.outlook.order_point,
                    "to_order": row.outlook.to_order,
                    "left_over": row.outlook.left_over,
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        lasts = "no demand" if row.outlook.days_left is None else f"{row.outlook.days_left:,.1f} days"
        click.echo(
            f"{row.outlook.state:<8} {row.sku_code:<16} {row.free:>9,} free  {row.outlook.expected:>9,.1f} expected  "
            f"{lasts:>14}  {row.outlook.to_order:>7,} to order  {row.outlook.left_over:>7,} left over  {row.sku_name}"
        )
    if not rows:
        click.echo("No SKU has a forecast. It needs 28 days of history; `--compute` makes it now.")


@supply.command("turnover")
@click.option("--by", type=click.Choice(["total", "node", "category", "channel"]), default="total", show_default=True)
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="The period up to now.")
@json_option
@with_database
def turnover(*, by: str, days: int, as_json: bool) -> None:
    """Print how often stock turned over: units that left ÷ the time-weighted average stock."""
    from typing import cast

    from tongpan.analytics.queries.turnover import By
    from tongpan.analytics.queries.turnover import turnover as measure
    from tongpan.core.clock import utc_now

    now = utc_now()
    rows = measure(start=now - timedelta(days=days), end=now, by=cast("By", by))
    if as_json:
        echo_json(
            [
                {
                    "code": row.code,
                    "name": row.name,
                    "units": row.units,
                    "average": str(row.average),
                    "turnover": None if row.turnover is None else str(row.turnover),
                    "days": None if row.days is None else str(row.days),
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        times = "—" if row.turnover is None else f"{row.turnover}"
        click.echo(f"{row.code or by:<24} {row.units:>10,} left  {row.average:>14,} average  {times:>10} times")
