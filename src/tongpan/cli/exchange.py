"""``tongpan exchange``: files for and from ERP and WMS."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def exchange() -> None:
    """Exchange files with ERP and WMS through watched folders."""


@exchange.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List the partners and their folders."""
    from tongpan.connectors.exchange.folders import home
    from tongpan.connectors.exchange.queries import partners

    rows = [
        {
            "code": row.code,
            "node": row.node.code if row.node else None,
            "shop": row.shop.code if row.shop else None,
            "format": row.file_format,
            "orders": row.sends_orders,
            "stock": row.sends_stock,
            "active": row.is_active,
            "folder": str(home(row.code)),
        }
        for row in partners()
    ]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("There are no partners yet; `tongpan exchange partner CODE --node NODE --orders` makes one.")
    for one in rows:
        click.echo(f"{one['code']}  {one['node'] or '-'}  {'active' if one['active'] else 'off'}  {one['folder']}")


@exchange.command("partner")
@click.argument("code")
@click.option("--node", default="", help="Whose orders and stock are laid out.")
@click.option("--shop", default="", help="Of rows that name none.")
@click.option("--format", "file_format", type=click.Choice(["csv", "json"]), default="csv")
@click.option("--orders", is_flag=True, help="Lay out orders to ship.")
@click.option("--stock", is_flag=True, help="Lay out stock once an hour.")
@click.option("--off", is_flag=True, help="Leave it alone from now on.")
@json_option
@with_database
def partner(
    code: str, *, node: str, shop: str, file_format: str, orders: bool, stock: bool, off: bool, as_json: bool
) -> None:
    """Make or change the partner CODE and its folders."""
    from tongpan.connectors.exchange.actions import PartnerSpec, save_partner
    from tongpan.connectors.exchange.folders import home
    from tongpan.core.clock import utc_now

    spec = PartnerSpec(code, node, shop, file_format, orders, stock, not off)
    save_partner(spec, actor="cli", now=utc_now())
    if as_json:
        echo_json({"code": code, "folder": str(home(code))})
    else:
        click.echo(f"The folders of {code} are in {home(code)}.")
