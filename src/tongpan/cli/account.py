"""``tongpan account``: how shops are reached by their platforms' APIs."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

SECRETS = {"secret": "App secret", "access_token": "Access token", "refresh_token": "Refresh token"}


@click.group("account")
def account() -> None:
    """Connect shops to their platforms, try the connections, and pull orders."""


@account.command("add")
@click.argument("shop")
@click.option("--platform", required=True, help="taobao, jd, douyin, pinduoduo, youzan, wechat, shopify, woocommerce.")
@click.option("--endpoint", default="", help="Address of the API (default: the platform's own).")
@click.option("--app-key", default="", help="App key, client id or consumer key; it is no secret.")
@click.option("--expires", default="", metavar="TIME", help="When the access token expires, as 2026-11-18T16:30+08:00.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="More that this platform wants.")
@click.option("--paused", is_flag=True, help="Keep the account, but neither pull nor push.")
@click.option(
    "--secrets-stdin",
    is_flag=True,
    help="Read lines NAME=VALUE from standard input: secret, access_token, refresh_token.",
)
@json_option
@with_database
def add(
    *,
    shop: str,
    platform: str,
    endpoint: str,
    app_key: str,
    expires: str,
    options: tuple[str, ...],
    paused: bool,
    secrets_stdin: bool,
    as_json: bool,
) -> None:
    """Make or change the account of SHOP. Secrets are asked for or read from standard input, never given here.

    An empty answer keeps the secret that is stored.
    """
    from tongpan.connectors.accounts.actions import save_account
    from tongpan.connectors.accounts.engine import AccountSpec
    from tongpan.core.clock import utc_now

    given = dict(_pair(option) for option in options)
    secrets = _secrets_from_stdin() if secrets_stdin else _secrets_from_prompts()
    row = save_account(
        AccountSpec(
            shop_code=shop,
            platform=platform,
            endpoint=endpoint,
            app_key=app_key,
            token_expires_at=_time(expires) if expires else None,
            options=given or None,
            is_active=not paused,
            **secrets,
        ),
        actor="cli",
        now=utc_now(),
    )
    if as_json:
        echo_json({"shop": shop, "platform": row.platform, "endpoint": row.endpoint, "active": row.is_active})
    else:
        click.echo(f"{shop} is connected to {row.platform} at {row.endpoint}. `tongpan account check {shop}` tries it.")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"{text!r} is not NAME=VALUE.")
    return name.strip(), value.strip()


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.UsageError(f"{text!r} is no time with an offset, as 2026-11-18T16:30+08:00.")
    return at


def _secrets_from_stdin() -> dict[str, str]:
    found = dict(_pair(line) for line in sys.stdin.read().splitlines() if line.strip())
    if unknown := sorted(set(found) - set(SECRETS)):
        raise click.UsageError(f"There is no secret {', '.join(unknown)}; there are {', '.join(SECRETS)}.")
    return found


def _secrets_from_prompts() -> dict[str, str]:
    if not sys.stdin.isatty():
        return {}
    return {
        name: click.prompt(
            f"{label} (empty: none, or as it is)", default="", hide_input=True, show_default=False, err=True
        )
        for name, label in SECRETS.items()
    }


@account.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List the accounts with how they are; their secrets are never shown."""
    from tongpan.connectors.accounts.queries import accounts

    rows = [_plain(row) for row in accounts()]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("No shop is connected yet; `tongpan account add SHOP --platform NAME` connects one.")
    for row in rows:
        state = row["health"] if row["active"] else "paused"
        click.echo(f"{row['shop']:<30}  {row['platform']:<12}  {state:<8}  pulled to {row['cursor'] or 'nothing yet'}")
        if row["last_error"]:
            click.echo(f"    {row['last_error']}")
        if row["not_told"] or row["refused_orders"]:
            click.echo(f"    {row['not_told']} not told to the platform, {row['refused_orders']} orders refused")


def _plain(row: Any) -> dict[str, Any]:
    return {
        "shop": row.shop.code,
        "platform": row.platform,
        "endpoint": row.endpoint,
        "app_key": row.app_key,
        "active": row.is_active,
        "health": row.health,
        "last_error": row.last_error,
        "cursor": row.cursor and row.cursor.isoformat(),
        "token_expires_at": row.token_expires_at and row.token_expires_at.isoformat(),
        "clock_skew_seconds": row.skew_seconds,
        "waiting": row.waiting,
        "not_told": row.dead,
        "refused_orders": row.refused,
        "options": row.options,
    }


@account.command("check")
@click.argument("shop")
@json_option
@with_database
def check(shop: str, as_json: bool) -> None:
    """Ask the platform for the orders of the last minutes and say what it answered. Nothing is taken."""
    from tongpan.connectors.accounts.checking import check_account
    from tongpan.connectors.accounts.queries import account_of
    from tongpan.core.clock import utc_now

    found = check_account(account_of(shop), now=utc_now())
    if as_json:
        echo_json({name: getattr(found, name) for name in ("orders", "read", "unreadable", "skew_seconds")})
        return
    click.echo(f"The platform answers: {found.orders} orders changed in the last minutes, {found.read} read.")
    if found.unreadable:
        click.echo(f"{found.unreadable} of them could not be read.")
    if found.skew_seconds is not None:
        click.echo(f"Its clock differs from ours by {found.skew_seconds:+.0f} s.")


@account.command("pull")
@click.argument("shop")
@click.option("--since", default="", metavar="TIME", help="Back-fill from then instead of going on from the cursor.")
@click.option("--until", default="", metavar="TIME", help="End of the back-fill (default: now).")
@json_option
@with_database
def pull(shop: str, since: str, until: str, as_json: bool) -> None:
    """Take the orders of SHOP that changed since the last time, or all that changed in a span (back-fill)."""
    from tongpan.connectors.accounts.pulling import back_fill
    from tongpan.connectors.accounts.pulling import pull as pull_account
    from tongpan.connectors.accounts.queries import account_of
    from tongpan.connectors.platforms.contract import Failure
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal

    row, now = account_of(shop), utc_now()
    if until and not since:
        raise click.UsageError("--until wants --since.")
    try:
        if since:
            result = back_fill(row, _time(since), _time(until) if until else now, now=now)
        else:
            result = pull_account(row, now=now)
    except Failure as failure:
        raise Refusal("account.failing", f"{shop}: {failure.sentence} ({failure.code})") from None
    if as_json:
        echo_json(result.as_json())
    else:
        taken = ", ".join(f"{count} {state}" for state, count in sorted(result.taken.items())) or "nothing new"
        click.echo(f"{shop}: {taken}.")


@account.command("push-stock")
@click.argument("shop")
@json_option
@with_database
def push_stock(shop: str, as_json: bool) -> None:
    """Tell the platform of SHOP every published number of stock; afterwards it is told what changes."""
    from django.db import transaction

    from tongpan.connectors.accounts.queries import account_of
    from tongpan.connectors.accounts.readers import push_all_stock

    row = account_of(shop)
    with transaction.atomic():
        count = push_all_stock(row.shop_id)
    if as_json:
        echo_json({"shop": shop, "waiting": count})
    else:
        click.echo(f"{count} numbers of {shop} wait to be sent.")


@account.command("refresh")
@click.argument("shop")
@json_option
@with_database
def refresh(shop: str, as_json: bool) -> None:
    """Fetch a new access token for SHOP now."""
    from tongpan.connectors.accounts.actions import access_of
    from tongpan.connectors.accounts.calling import renew
    from tongpan.connectors.accounts.queries import account_of
    from tongpan.connectors.platforms.contract import Failure
    from tongpan.connectors.platforms.registry import platform
    from tongpan.connectors.platforms.transport import new_client
    from tongpan.core.errors import Refusal

    row = account_of(shop)
    if "refresh" not in platform(row.platform).abilities:
        raise Refusal(
            "account.no_refresh", f"The access of {row.platform} does not expire; there is nothing to refresh."
        )
    try:
        with new_client() as client:
            renew(row, access_of(row.pk).access_token, client)
    except Failure as failure:
        raise Refusal("account.failing", f"{shop}: {failure.sentence} ({failure.code})") from None
    expires = row.token_expires_at and row.token_expires_at.isoformat()
    if as_json:
        echo_json({"shop": shop, "token_expires_at": expires})
    else:
        click.echo(f"{shop} has a new access token, good until {expires or 'it is revoked'}.")


@account.command("remove")
@click.argument("shop")
@json_option
@with_database
def remove(shop: str, as_json: bool) -> None:
    """Forget the account of SHOP with its secrets and what waits to be sent. Its orders stay."""
    from tongpan.connectors.accounts.actions import remove_account
    from tongpan.core.clock import utc_now

    remove_account(shop, actor="cli", now=utc_now())
    if as_json:
        echo_json({"shop": shop, "removed": True})
    else:
        click.echo(f"{shop} is not connected any more.")
