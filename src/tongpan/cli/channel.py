"""``tongpan channel``: the channels that the company sells on."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def channel() -> None:
    """List the channels, and add preset ones."""


@channel.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List the channels with their shops."""
    from tongpan.channels.queries import channels

    rows = [
        {
            "code": row.code,
            "name_zh": row.name_zh,
            "name_en": row.name_en,
            "currency": row.currency,
            "zone": row.zone,
            "facets": [facet.code for facet in row.facets.all()],
            "shops": [shop.code for shop in row.shops.all()],
        }
        for row in channels()
    ]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("There are no channels yet; `tongpan channel presets` lists those that are ready to add.")
    for row in rows:
        click.echo(f"{row['code']}  {row['name_zh']}  {row['name_en']}  {' '.join(row['shops'])}".rstrip())


@channel.command("presets")
@json_option
@with_database
def presets(as_json: bool) -> None:
    """List the channels that can be added by name."""
    from tongpan.channels.queries import preset_channels

    found = preset_channels()
    if as_json:
        echo_json([{"code": spec.code, "name_zh": spec.name_zh, "name_en": spec.name_en} for spec in found])
        return
    for spec in found:
        click.echo(f"{spec.code:<20} {spec.name_zh}  {spec.name_en}")


@channel.command("add")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@json_option
@with_database
def add(codes: tuple[str, ...], as_json: bool) -> None:
    """Add preset channels with their classification. Those that are there stay as they are."""
    from tongpan.channels.actions import load_presets

    load_presets(list(codes))
    if as_json:
        echo_json({"channels": list(codes)})
    else:
        click.echo(f"There: {', '.join(codes)}.")
