"""``tongpan webhook``: who is told what happens here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


@click.group()
def webhook() -> None:
    """Subscribe other systems to what happens, and send it to them again."""


@webhook.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List the subscriptions and how they stand."""
    from tongpan.connectors.webhooks.queries import Standing, standings, webhooks

    counted = standings()
    rows: list[dict[str, Any]] = []
    for row in webhooks():
        standing = counted.get(row.pk, Standing())
        rows.append(
            {
                "id": row.pk,
                "name": row.name,
                "url": row.url,
                "events": row.events,
                "payload": "full" if row.is_full else "thin",
                "active": row.is_active,
                "failing_since": row.failing_since and row.failing_since.isoformat(),
                "waiting": standing.waiting,
                "delivered": standing.delivered,
                "failed": standing.failed,
            }
        )
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("There are no webhooks yet; `tongpan webhook add NAME URL --event order.accepted` makes one.")
    for one in rows:
        state = "active" if one["active"] else "off"
        counts = f"{one['waiting']} waiting, {one['delivered']} delivered, {one['failed']} failed"
        click.echo(f"{one['id']}  {one['name']}  {state}  {one['url']}  {' '.join(one['events'])}  ({counts})")


@webhook.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--event", "events", multiple=True, required=True, metavar="EVENT", help="Give it once for each event.")
@click.option("--full", "is_full", is_flag=True, help="Send the whole thing, not its id only.")
@json_option
@with_database
def add(name: str, url: str, events: tuple[str, ...], is_full: bool, as_json: bool) -> None:
    """Tell URL of every EVENT from now on, and print the secret that it verifies with."""
    from tongpan.connectors.webhooks.actions import WebhookSpec, create_webhook, reveal_secret
    from tongpan.core.clock import utc_now

    row = create_webhook(WebhookSpec(name, url, events, is_full), actor="cli", now=utc_now())
    secret = reveal_secret(row.pk, actor="cli", now=utc_now())
    if as_json:
        echo_json({"id": row.pk, "name": row.name, "secret": secret})
    else:
        click.echo(secret)
        click.echo(f"Webhook {row.pk} is active. The receiver verifies with the secret above.", err=True)


@webhook.command("test")
@click.argument("webhook_id", type=int)
@json_option
@with_database
def test(webhook_id: int, as_json: bool) -> None:
    """Send a test message now and say what came back."""
    from tongpan.connectors.webhooks.delivering import send_test
    from tongpan.connectors.webhooks.queries import attempts_of, get_delivery
    from tongpan.connectors.webhooks.sending import send_due
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal

    delivery_id = send_test(webhook_id, actor="cli", now=utc_now())
    send_due(seconds=2)
    delivery, tries = get_delivery(delivery_id), attempts_of(delivery_id)
    state = delivery.state if delivery else "failed"
    last = tries[0] if tries else None
    if as_json:
        status, error = (last.status, last.error) if last else (None, "")
        echo_json({"delivery": delivery_id, "state": state, "status": status, "error": error})
    elif last and state == "delivered":
        click.echo(f"Delivered: {last.status} after {last.duration_ms} ms.")
    elif last:
        raise Refusal("webhook.test", f"Not delivered: {last.status or last.error}")
    else:
        click.echo("The message waits: another process sends it, or the receiver asked for a pause.")


@webhook.command("replay")
@click.argument("webhook_id", type=int)
@click.option("--from", "begin", type=_TIME, required=True, help="Inclusive, UTC without an offset.")
@click.option("--to", "end", type=_TIME, required=True, help="Not included, UTC without an offset.")
@json_option
@with_database
def replay(webhook_id: int, begin: datetime, end: datetime, as_json: bool) -> None:
    """Send again what happened from --from until --to, under the ids it had. The running workers send it."""
    from datetime import UTC

    from tongpan.connectors.webhooks.delivering import replay_range
    from tongpan.core.clock import utc_now

    begin, end = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (begin, end))
    number = replay_range(webhook_id, begin, end, now=utc_now())
    if as_json:
        echo_json({"webhook": webhook_id, "messages": number})
    else:
        click.echo(f"{number} messages are sent again.")


@webhook.command("rotate")
@click.argument("webhook_id", type=int)
@json_option
@with_database
def rotate(webhook_id: int, as_json: bool) -> None:
    """Make a new secret and print it; for 24 hours the old one signs beside it."""
    from tongpan.connectors.webhooks.actions import reveal_secret, rotate_secret
    from tongpan.core.clock import utc_now

    rotate_secret(webhook_id, actor="cli", now=utc_now())
    secret = reveal_secret(webhook_id, actor="cli", now=utc_now())
    if as_json:
        echo_json({"webhook": webhook_id, "secret": secret})
    else:
        click.echo(secret)
