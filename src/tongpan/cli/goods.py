"""``tongpan goods``: listings, gaps of core goods, kits, roles of products and the fit standard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

ACTOR = "cli"


@click.group("goods")
def goods() -> None:
    """Show which goods are listed where, what is missing, and what kits can be made."""


@goods.command("listings")
@click.option("--search", default="", help="Beginning of a SKU code or item id, or part of the title.")
@click.option("--channel", default="", help="Only of this channel.")
@click.option("--shop", default="", help="Only of this shop.")
@click.option("--state", type=click.Choice(["on", "off"]), default=None, help="On sale or off sale.")
@click.option("--fit", type=click.Choice(["passed", "failed", "unchecked"]), default=None, help="By the fit standard.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True)
@json_option
@with_database
def listings(
    *, search: str, channel: str, shop: str, state: str | None, fit: str | None, limit: int, as_json: bool
) -> None:
    """List listings with what the fit standard says of them."""
    from tongpan.catalog.coverage import select_listings

    found = select_listings(search, channel=channel, shop=shop, state=state or "", fit=fit or "").order_by("id")
    rows = [
        {
            "listing": row.pk,
            "channel": row.shop.channel.code,
            "shop": row.shop.code,
            "item": row.external_item_id,
            "variant": row.external_sku_id,
            "sku": row.sku.code,
            "title": row.title,
            "is_on_sale": row.is_on_sale,
            "score": row.fit.score if hasattr(row, "fit") else None,
            "passed": row.fit.passed if hasattr(row, "fit") else None,
        }
        for row in found[:limit]
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        fit_text = "unchecked" if row["score"] is None else f"{row['score']} %{'' if row['passed'] else ' failed'}"
        sale = "on sale" if row["is_on_sale"] else "off sale"
        click.echo(
            f"{row['listing']:>8}  {row['shop']:<20}  {row['sku']:<20}  {row['item']:<20}  {sale:<8}  {fit_text}"
        )


@goods.command("gaps")
@click.option("--search", default="", help="Beginning of a product code, or part of its name.")
@click.option("--all", "show_all", is_flag=True, help="Show products without gaps too.")
@json_option
@with_database
def gaps(*, search: str, show_all: bool, as_json: bool) -> None:
    """List core products that are not on sale on every channel where they must be, most gaps first."""
    from tongpan.catalog.coverage import core_channels, coverage

    channels = core_channels()
    codes = {channel.id: channel.code for channel in channels}
    rows: list[dict[str, Any]] = [
        {
            "product": row.product_code,
            "name": row.product_name,
            "skus": row.skus,
            "channels": {codes[channel_id]: state for channel_id, state in row.cells.items()},
            "gaps": row.gaps,
        }
        for row in coverage(channels, search, gaps_only=not show_all)
    ]
    if as_json:
        echo_json({"channels": list(codes.values()), "products": rows})
        return
    for row in rows:
        missing = ", ".join(f"{code} {state}" for code, state in row["channels"].items() if state != "on_sale")
        click.echo(f"{row['product']:<24}  {row['gaps']:>3} gaps  {missing}")


@goods.command("kits")
@click.option("--search", default="", help="Beginning of the code of a kit or a part, or part of the name.")
@json_option
@with_database
def kits(*, search: str, as_json: bool) -> None:
    """List kits with their parts, and how many can be made."""
    from tongpan.inventory.kits import kit_stocks

    rows: list[dict[str, Any]] = [
        {
            "sku": row.kit.code,
            "name": row.kit.name,
            "makeable": row.makeable,
            "scarce": list(row.scarce),
            "parts": {code: qty for _, code, _, qty in row.kit.parts},
        }
        for row in kit_stocks(search)
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        parts = ", ".join(f"{qty} × {code}" for code, qty in row["parts"].items())
        click.echo(f"{row['sku']:<24}  {row['makeable']:>9,} can be made  {parts}")


@goods.command("roles")
@click.option("--channel", default="", help="Only of this channel.")
@json_option
@with_database
def roles(*, channel: str, as_json: bool) -> None:
    """List what products are for on each channel."""
    from tongpan.catalog.roles import assortment, channel_roles

    codes = {row.id: row.code for row in channel_roles()}
    ids = [channel_id for channel_id, code in codes.items() if code == channel] if channel else None
    rows = [
        {
            "product": row.product_code,
            "channel": codes[row.channel_id],
            "role": row.role,
            "is_set": row.is_set,
            "on_sale": row.on_sale,
            "is_conflict": row.is_conflict,
        }
        for row in assortment(ids)
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        warning = "  to be touched, on a public channel" if row["is_conflict"] else ""
        click.echo(f"{row['product']:<24}  {row['channel']:<20}  {row['role'] or '—':<12}{warning}")


@goods.command("role")
@click.argument("product")
@click.argument("channel")
@click.argument("role", type=click.Choice(["traffic", "custom", "experience", "none"]))
@with_database
def role(product: str, channel: str, role: str) -> None:
    """Say what PRODUCT is for on CHANNEL; "none" lets the kind of the channel say."""
    from tongpan.catalog.roles import RoleSpec, save_roles
    from tongpan.core.clock import utc_now

    save_roles([RoleSpec(product, channel, "" if role == "none" else role)], actor=ACTOR, now=utc_now())
    click.echo("Saved.")


@goods.command("standard")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--channel", default="", help="Of this channel (default: of every channel without one of its own).")
@click.option("--blocks", is_flag=True, help="A listing that fails is not put on sale.")
@with_database
def standard(file: Path, channel: str, blocks: bool) -> None:
    """Publish the checks in FILE (JSON) as the next version of the fit standard."""
    import json

    from tongpan.catalog.contents import publish_standard
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal

    try:
        checks = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Refusal("fit.checks", f"{file} is not JSON: {error}.") from None
    version = publish_standard(channel, checks, blocks, actor=ACTOR, now=utc_now())
    click.echo(f"Version {version} is in force.")
