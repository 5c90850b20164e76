"""``tongpan prices``: the price book on the command line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from tongpan.cli.export import export
from tongpan.cli.import_ import import_
from tongpan.cli.session import echo_json, json_option, with_database

TABLES = {"prices": "prices", "floors": "price-floors", "costs": "sku-costs"}
_BROKEN = ("under_floor", "outside")


@click.group("prices")
def prices() -> None:
    """Prices of all channels: look at them, bring files in and out, check them."""


@prices.command("list")
@click.option("--search", default="", help="A part of a SKU's code or name.")
@click.option("--channel", "channels", multiple=True, help="Code of a channel; may be given several times.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@json_option
@with_database
def list_(search: str, channels: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Show what SKUs cost on every channel, and how far that is from the guide price."""
    from tongpan.core.clock import utc_now
    from tongpan.core.money import Money
    from tongpan.pricing.pages import matrix

    found = matrix(at=utc_now(), text=search, channels=list(channels) or None, limit=limit)
    rows = [
        {
            "sku": row.sku,
            "channel": cell.channel,
            "price": Money(cell.price.amount_minor, cell.currency).as_json(),
            "list": cell.price.list_code,
            "deviation": None if cell.deviation is None else str(cell.deviation),
            "state": cell.state,
        }
        for row in found.rows
        for cell in row.cells
        if cell.price is not None
    ]
    if as_json:
        echo_json({"skus": found.total, "prices": rows})
        return
    for one in rows:
        off = "" if one["deviation"] is None else f"{one['deviation']}%"
        price = one["price"]
        click.echo(f"{one['sku']}\t{one['channel']}\t{price['amount']} {price['currency']}\t{off}\t{one['state']}")  # type: ignore[index]
    click.echo(f"{len(found.rows):,} of {found.total:,} SKUs.", err=True)


@prices.command("check")
@json_option
@with_database
def check(as_json: bool) -> None:
    """Hold every list price against its band and floor; exit code 1 when one is outside."""
    from tongpan.core.clock import utc_now
    from tongpan.pricing.pages import matrix

    counts: Counter[str] = Counter()
    broken = []
    for row in matrix(at=utc_now()).rows:
        for cell in row.cells:
            counts[cell.state] += 1
            if cell.state in _BROKEN:
                broken.append({"sku": row.sku, "channel": cell.channel, "state": cell.state})
    if as_json:
        echo_json({"counts": dict(counts), "broken": broken})
    else:
        for one in broken:
            click.echo(f"{one['sku']}\t{one['channel']}\t{one['state']}")
        click.echo(", ".join(f"{number:,} {state}" for state, number in sorted(counts.items())) or "no SKU", err=True)
    if broken:
        raise SystemExit(1)


@prices.command("propose")
@click.argument("channel")
@click.option("--sku", "skus", multiple=True, help="Code of a SKU; all active ones when left out.")
@json_option
@with_database
def propose(channel: str, skus: tuple[str, ...], as_json: bool) -> None:
    """Let the dynamic model propose prices for CHANNEL from demand, stock, supply and competitors."""
    from tongpan.catalog.models import Sku
    from tongpan.core.clock import utc_now
    from tongpan.forecasting.prices import markets
    from tongpan.pricing.actions.dynamic import propose_prices

    now = utc_now()
    codes = skus or tuple(Sku.objects.filter(is_active=True).values_list("code", flat=True))
    made, request = propose_prices(markets(codes, channel, now=now), now=now)
    rows = [
        {"sku": one.sku, "price": one.base_minor, "proposed": one.amount_minor, "why": one.why}
        for one in made
        if one.moves
    ]
    number = request.id if request else None
    if as_json:
        echo_json({"looked_at": len(made), "request": number, "proposals": rows})
        return
    for one in rows:
        click.echo(f"{one['sku']}\t{one['price']} → {one['proposed']}\t{one['why']}")
    told = f"request {number}" if number else "no request"
    click.echo(f"{len(rows):,} of {len(made):,} prices would move; {told}.", err=True)


@prices.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--what", type=click.Choice(tuple(TABLES)), default="prices", show_default=True)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Do everything and take it back: nothing is stored.")
@json_option
@click.pass_context
def import_prices(context: click.Context, file: Path, what: str, is_dry_run: bool, as_json: bool) -> None:
    """Import FILE of prices, floors or costs. Bad rows come out in FILE.errors.csv."""
    context.invoke(
        import_,
        file=file,
        format_name=TABLES[what],
        shop_code="",
        mapping_path=None,
        encoding="",
        password="",
        channel="",
        currency="",
        zone="",
        is_dry_run=is_dry_run,
        no_wait=False,
        as_json=as_json,
    )


@prices.command("export")
@click.option("--what", type=click.Choice(tuple(TABLES)), default="prices", show_default=True)
@click.option("--channel", default="", help="Code of one channel.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; the screen when left out.")
@json_option
@click.pass_context
def export_prices(context: click.Context, what: str, channel: str, out: Path | None, as_json: bool) -> None:
    """Export prices, floors or costs in the form that the import reads."""
    context.invoke(
        export,
        table=what,
        file_format=None,
        day_from=None,
        day_to=None,
        channel=channel,
        shop="",
        out=out,
        as_json=as_json,
    )
