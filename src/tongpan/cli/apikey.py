"""``tongpan apikey``: keys of the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def apikey() -> None:
    """Create, list and revoke keys of the HTTP API."""


@apikey.command("create")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help="What the key may do; give it once for each scope."
)
@click.option("--all", "has_all", is_flag=True, help="Every scope.")
@json_option
@with_database
def create(name: str, scopes: tuple[str, ...], has_all: bool, as_json: bool) -> None:
    """Make a key called NAME and print it, this once. Without --scope or --all it may read everything.

    Scopes: orders.view, orders.edit, stock.view, stock.edit, channels.view, channels.edit, network.view,
    network.edit, goods.view, goods.edit, customers.view, customers.edit, metrics.view, imports.view, imports.run,
    integration.view, integration.edit.
    """
    from tongpan.access.actions import create_api_key
    from tongpan.access.engine import SCOPES, VIEWS
    from tongpan.core.clock import utc_now

    if has_all and scopes:
        raise click.UsageError("Give --scope or --all, not both.")
    chosen = sorted(SCOPES if has_all else scopes or VIEWS)
    key = create_api_key(name, chosen, now=utc_now(), actor="cli")
    if as_json:
        echo_json({"name": name, "key": key, "scopes": chosen})
        return
    click.echo(key)
    click.echo(f"This is the only time that the key is shown. It may do: {', '.join(chosen)}.", err=True)


@apikey.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List all keys; the keys themselves are not kept."""
    from tongpan.access.queries import api_keys

    rows = list(api_keys())
    if as_json:
        fields = ("name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
        echo_json([{field: _plain(getattr(row, field)) for field in fields} for row in rows])
        return
    if not rows:
        click.echo("There are no keys yet; `tongpan apikey create NAME` makes one.")
    for row in rows:
        used = f"last used {_plain(row.last_used_at) or 'never'}"
        state = f"revoked {_plain(row.revoked_at)}" if row.revoked_at else used
        click.echo(f"{row.name}  {row.prefix}…  {state}  {' '.join(row.scopes)}")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@apikey.command("revoke")
@click.argument("name")
@json_option
@with_database
def revoke(name: str, as_json: bool) -> None:
    """End the life of the key called NAME, at once and for good."""
    from tongpan.access.actions import revoke_api_key
    from tongpan.core.clock import utc_now

    revoke_api_key(name, now=utc_now(), actor="cli")
    if as_json:
        echo_json({"name": name, "revoked": True})
    else:
        click.echo(f"The key {name!r} is revoked.")
