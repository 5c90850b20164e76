"""``tongpan stock``: what channels may take of the pool, and what they are told there is."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database

ACTOR = "cli"


@click.group("stock")
def stock() -> None:
    """Show and explain published stock; set policies, live sessions and floors."""


@stock.command("published")
@click.option("--shop", default="", help="Only of this shop.")
@click.option("--sku", default="", help="Only of this SKU.")
@json_option
@with_database
def published(shop: str, sku: str, as_json: bool) -> None:
    """List what channels are told there is of each listing."""
    from tongpan.inventory.published import select_published

    rows = [
        {
            "listing": row.pk,
            "shop": row.listing.shop.code,
            "item": row.listing.external_item_id,
            "variant": row.listing.external_sku_id,
            "sku": row.listing.sku.code,
            "qty": row.qty,
        }
        for row in select_published(shop, sku).order_by("listing_id")
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        click.echo(f"{row['listing']:>8}  {row['shop']:<20}  {row['sku']:<24}  {row['item']:<24}  {row['qty']:>9}")


@stock.command("explain")
@click.argument("listing", type=int)
@json_option
@with_database
def explain(listing: int, as_json: bool) -> None:
    """Say step by step why the published number of LISTING is what it is."""
    from tongpan.core.errors import Refusal
    from tongpan.inventory.published import select_published

    row = select_published().filter(pk=listing).first()
    if row is None:
        raise Refusal("listing.unknown", f"Nothing is published of a listing {listing}.")
    if as_json:
        echo_json({"listing": row.pk, "qty": row.qty, "steps": row.reason, "computed_at": row.computed_at})
        return
    for step in row.reason:
        about = ", ".join(f"{k} {v}" for k, v in step.items() if k not in ("step", "units", "left", "sku"))
        name = f"{step['sku']}: {step['step']}" if "sku" in step else step["step"]
        click.echo(f"{name:<32}  {step['units']:>+9}  {step['left']:>9}  {about}")
    click.echo(f"published: {row.qty}")


@stock.command("policies")
@click.option("--channel", default="", help="Only of this channel.")
@click.option("--sku", default="", help="Only of this SKU.")
@json_option
@with_database
def policies(channel: str, sku: str, as_json: bool) -> None:
    """List what channels may take of the pool."""
    from tongpan.inventory.policy_queries import pool_mode, select_policies

    rows = [
        {
            "channel": row.channel.code,
            "sku": row.sku.code if row.sku else "",
            "live_session": row.session.name if row.session else "",
            "mode": row.mode,
            "value": row.value,
            "threshold": row.threshold,
            "may_exceed": row.may_exceed,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
        }
        for row in select_policies(channel, sku).order_by("channel__code", "sku__code", "id")
    ]
    if as_json:
        echo_json({"mode": pool_mode(), "policies": rows})
        return
    click.echo(f"The pool is {pool_mode()}.")
    for row in rows:
        what = f"{row['mode']} {row['value']}" if row["mode"] != "shared" else "shared"
        until = f"  until {row['ends_at']:%Y-%m-%d %H:%M %Z}" if row["ends_at"] else ""
        of = f"  live session {row['live_session']}" if row["live_session"] else ""
        click.echo(f"{row['channel']:<20}  {row['sku'] or '(every SKU)':<24}  {what:<16}{until}{of}")


@stock.command("policy")
@click.argument("channel")
@click.argument("mode", type=click.Choice(("shared", "reserved", "percent", "cap", "none")))
@click.argument("value", type=int, default=0)
@click.option("--sku", default="", help="For this SKU (default: every SKU without a policy of its own).")
@click.option("--threshold", type=int, default=0, help="Units that are never published.")
@click.option("--may-exceed", is_flag=True, help="The fence is a guarantee, not a limit.")
@with_database
def policy(channel: str, mode: str, value: int, sku: str, threshold: int, may_exceed: bool) -> None:  # noqa: PLR0917
    """Let CHANNEL take of the pool: MODE with VALUE units (percent: a share); "none" takes the policy away."""
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal
    from tongpan.inventory.actions.policies import remove_policies, save_policies
    from tongpan.inventory.engine.policies import PolicySpec

    if mode != "none":
        spec = PolicySpec(channel, sku, mode, value, threshold, may_exceed)
        save_policies([spec], actor=ACTOR, now=utc_now())
    elif not remove_policies([(channel, sku)], actor=ACTOR, now=utc_now()):
        raise Refusal("policy.unknown", f"Channel {channel} has no policy for {sku or 'every SKU'}.")
    click.echo("Saved.")


@stock.command("session")
@click.argument("channel")
@click.argument("name")
@click.option("--from", "starts_at", required=True, type=click.DateTime(), help="When it begins, in Shanghai.")
@click.option("--to", "ends_at", required=True, type=click.DateTime(), help="When it ends, in Shanghai.")
@click.option("--quota", "quotas", type=(str, int), multiple=True, help="SKU and the units fenced off for it.")
@with_database
def session(channel: str, name: str, starts_at: object, ends_at: object, quotas: tuple[tuple[str, int], ...]) -> None:
    """Plan the live session NAME of CHANNEL, or change one that has not ended."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from tongpan.core.clock import DEFAULT_ZONE, utc_now
    from tongpan.inventory.actions.policies import save_sessions
    from tongpan.inventory.engine.policies import SessionSpec

    zone = ZoneInfo(DEFAULT_ZONE)
    span = [at.replace(tzinfo=zone) for at in (starts_at, ends_at) if isinstance(at, datetime)]
    save_sessions([SessionSpec(channel, name, span[0], span[1], dict(quotas))], actor=ACTOR, now=utc_now())
    click.echo("Saved.")


@stock.command("floors")
@click.argument("node")
@click.option("--sku", default="", help="For this SKU (default: every SKU without floors of its own).")
@click.option("--safety-stock", type=int, default=0, help="Units that are not published.")
@click.option("--routing-floor", type=int, default=0, help="Units that routing never takes.")
@click.option("--safety-line", type=int, default=0, help="Below it, the node asks for more.")
@with_database
def floors(node: str, sku: str, safety_stock: int, routing_floor: int, safety_line: int) -> None:
    """Say what NODE keeps back."""
    from tongpan.core.clock import utc_now
    from tongpan.inventory.actions.floors import save_node_policies
    from tongpan.inventory.engine.policies import NodePolicySpec

    spec = NodePolicySpec(node, sku, safety_stock, routing_floor, safety_line)
    save_node_policies([spec], actor=ACTOR, now=utc_now())
    click.echo("Saved.")


@stock.command("mode")
@click.argument("mode", type=click.Choice(("shared", "segregated")))
@with_database
def mode(mode: str) -> None:
    """Let channels share the pool, or sell only from quotas of their own."""
    from tongpan.core.clock import utc_now
    from tongpan.inventory.actions.policies import set_pool_mode

    set_pool_mode(mode, actor=ACTOR, now=utc_now())
    click.echo("Saved.")
