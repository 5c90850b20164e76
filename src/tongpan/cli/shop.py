"""``tongpan shop``: the shops that orders belong to."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group("shop")
def shop() -> None:
    """Create shops and list them."""


@shop.command("create")
@click.argument("code")
@click.option("--channel", default="", help="Code of its channel, made when new (default: the shop's own code).")
@click.option("--name", default="", help="Name of the shop (default: its code).")
@click.option("--kind", default="shop", type=click.Choice(("shop", "content", "group", "store", "dealer")))
@click.option("--currency", default="", help="Currency of a new channel (default CNY).")
@click.option("--zone", default="", help="Time zone of a new channel (default Asia/Shanghai).")
@json_option
@with_database
def create(code: str, channel: str, name: str, kind: str, currency: str, zone: str, as_json: bool) -> None:  # noqa: PLR0917
    """Create the shop CODE, and its channel where there is none of that code."""
    from tongpan.channels.actions import save_channel, save_shop
    from tongpan.channels.engine import ChannelSpec, ShopSpec
    from tongpan.channels.models import Channel, Shop
    from tongpan.core.clock import DEFAULT_ZONE, utc_now
    from tongpan.core.errors import Refusal

    if Shop.objects.filter(code=code).exists():
        raise Refusal("shop.exists", f"There is a shop {code} already.")
    channel = channel or code
    made = []
    present = Channel.objects.filter(code=channel).first()
    if present is None:
        spec = ChannelSpec(channel, channel, channel, zone=zone or DEFAULT_ZONE, currency=currency or "CNY")
        save_channel(spec, actor="cli", now=utc_now())
        made.append(f"channel {channel}")
    elif (currency or present.currency, zone or present.zone) != (present.currency, present.zone):
        raise Refusal(
            "shop.channel_differs",
            f"Channel {channel} sells in {present.currency} and lives in {present.zone}; leave --currency and --zone "
            "out, or name another channel.",
        )
    save_shop(ShopSpec(code, channel, name or code, kind), actor="cli", now=utc_now())
    made.append(f"shop {code}")
    if as_json:
        echo_json({"created": made})
    else:
        click.echo(f"Made: {', '.join(made)}")


@shop.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List the shops with their channels."""
    from tongpan.channels.queries import shop_by_code

    shops = sorted(shop_by_code().values(), key=lambda found: found.code)
    if as_json:
        echo_json([found._asdict() for found in shops])
        return
    for found in shops:
        state = "" if found.is_active else "  (not active)"
        click.echo(f"{found.code:<40}  {found.channel_code:<40}  {found.currency}  {found.zone}{state}")
