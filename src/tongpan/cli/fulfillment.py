"""``tongpan fulfillment``: what waits at the nodes, and what happened to one parcel."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group("fulfillment")
def fulfillment() -> None:
    """Show the queues of nodes and the steps of a parcel."""


@fulfillment.command("queue")
@click.option("--node", default="", help="Only of this node.")
@click.option(
    "--stage",
    type=click.Choice(["offered", "pick", "pack", "dispatch", "collect", "later"]),
    default=None,
    help="Only what waits for this step.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@with_database
def queue_command(node: str, stage: str | None, limit: int, as_json: bool) -> None:
    """List what waits for its next step, what is due first first."""
    from tongpan.core.errors import Refusal
    from tongpan.fulfillment.queues import most_urgent, queue
    from tongpan.network.queries import node_ids

    nodes = None
    if node:
        nodes = list(node_ids([node]).values())
        if not nodes:
            raise Refusal("node.unknown", f"There is no node {node!r}.")
    rows = [
        {
            "id": row.pk,
            "order": row.order.external_id,
            "node": row.node.code,
            "status": row.status,
            "method": row.order.delivery_method,
            "due": row.due,  # type: ignore[attr-defined]
            "lines": [{"sku": line.sku.code, "qty": line.qty} for line in row.lines.all()],
        }
        for row in most_urgent(queue(stage or "", nodes))[:limit]
    ]
    if as_json:
        echo_json(rows)
        return
    for one in rows:
        due = f"{one['due']:%Y-%m-%d %H:%M}" if one["due"] else "-"
        click.echo(
            f"{one['id']:>8}  {one['order']:<24}  {one['node']:<16}  {one['status']:<10}  {one['method']:<8}  {due}"
        )


@fulfillment.command("show")
@click.argument("fulfillment_id", type=int)
@json_option
@with_database
def show(fulfillment_id: int, as_json: bool) -> None:
    """Say what FULFILLMENT_ID holds, and who took which step where and when."""
    from tongpan.core.errors import Refusal
    from tongpan.fulfillment.queries import steps_of
    from tongpan.fulfillment.queues import chosen

    found = chosen([fulfillment_id])
    if not found:
        raise Refusal("fulfillment.unknown", f"There is no fulfilment {fulfillment_id}.")
    row, steps = found[0], steps_of(fulfillment_id)
    told = {
        "id": row.pk,
        "order": row.order.external_id,
        "node": row.node.code,
        "status": row.status,
        "method": row.order.delivery_method,
        "accept_by": row.accept_by,
        "ready_by": row.ready_by,
        "due_at": row.due_at,
        "offer_from": row.offer_from,
        "collect_by": row.collect_by,
        "reject_reason": row.reject_reason,
        "lines": [{"sku": line.sku.code, "qty": line.qty} for line in row.lines.all()],
        "steps": [{"kind": s.kind, "at": s.at, "actor": s.actor, "node": s.node.code, "data": s.data} for s in steps],
    }
    if as_json:
        echo_json(told)
        return
    click.echo(f"{row.pk}  order {row.order.external_id}  {row.node.code}  {row.status}")
    for line in row.lines.all():
        click.echo(f"  {line.qty:>6} × {line.sku.code}")
    for step in steps:
        more = ", ".join(f"{key} {value}" for key, value in step.data.items())
        click.echo(f"  {step.at:%Y-%m-%d %H:%M}  {step.kind:<10}  {step.actor}  {more}".rstrip())
