"""``tongpan stock counts|transfers|replenishment|covers``: what is being done about stock."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database

_LIMIT = click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True)
_NODE = click.option("--node", default="", help="Only at this node.")


def _node_id(code: str) -> int | None:
    from tongpan.core.errors import Refusal
    from tongpan.network.queries import node_ids

    if not code:
        return None
    found = node_ids([code])
    if not found:
        raise Refusal("node.unknown", f"There is no node {code!r}.")
    return found[code]


@click.command("counts")
@click.option("--state", default="", help="Only in this state.")
@_NODE
@_LIMIT
@json_option
@with_database
def counts(*, state: str, node: str, limit: int, as_json: bool) -> None:
    """List counting sheets, newest first."""
    from tongpan.inventory.counts import SheetFilter, fetch_sheets

    rows = [
        {
            "count": row.pk,
            "number": row.number,
            "node": row.node.code,
            "kind": row.kind,
            "state": row.state,
            "lines": row.line_count,  # type: ignore[attr-defined]
            "counted": row.counted_count,  # type: ignore[attr-defined]
            "begun_at": row.snapshot_at,
            "booked_at": row.booked_at,
        }
        for row in fetch_sheets(SheetFilter(state, _node_id(node)), 0, limit)
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        click.echo(
            f"{row['count']:>8}  {row['node']:<20}  {row['kind']:<8}  {row['state']:<10}  "
            f"{row['counted']:>6,} of {row['lines']:,} counted  {row['begun_at']:%Y-%m-%d %H:%M}"
        )


@click.command("transfers")
@click.option("--state", default="", help='Only in this state, or "open".')
@_NODE
@_LIMIT
@json_option
@with_database
def transfers(*, state: str, node: str, limit: int, as_json: bool) -> None:
    """List transfers, newest first."""
    from tongpan.inventory.transit import TransferFilter, fetch_transfers

    rows = [
        {
            "transfer": row.pk,
            "number": row.number,
            "from": row.from_node.code,
            "to": row.to_node.code,
            "state": row.state,
            "lines": row.line_count,  # type: ignore[attr-defined]
            "units": row.units,  # type: ignore[attr-defined]
            "created_at": row.created_at,
        }
        for row in fetch_transfers(TransferFilter(state, _node_id(node)), 0, limit)
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        click.echo(
            f"{row['transfer']:>8}  {row['from']:<20} → {row['to']:<20}  {row['state']:<12}  {row['units']:>9,} units"
        )


@click.command("replenishment")
@click.option("--state", default="open", show_default=True, help='A state, "open", "overdue", or "" for all.')
@_NODE
@_LIMIT
@json_option
@with_database
def replenishment(*, state: str, node: str, limit: int, as_json: bool) -> None:
    """List what nodes need, most urgent first."""
    from tongpan.inventory.replenishment import ReplenishFilter, fetch_replenishments

    rows = [
        {
            "replenishment": row.pk,
            "node": row.node.code,
            "sku": row.sku.code,
            "qty": row.qty,
            "from": row.from_node.code if row.from_node else "",
            "state": row.state,
            "is_urgent": row.is_urgent,
            "due_at": row.due_at,
        }
        for row in fetch_replenishments(ReplenishFilter(state=state, node_id=_node_id(node)), 0, limit)
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        urgent = "  urgent" if row["is_urgent"] else ""
        click.echo(
            f"{row['replenishment']:>8}  {row['node']:<20}  {row['sku']:<24}  {row['qty']:>9,}  {row['state']}{urgent}"
        )


@click.group("covers", invoke_without_command=True)
@json_option
@click.pass_context
@with_database
def covers(context: click.Context, as_json: bool) -> None:
    """List what core goods never run below on the channels; ``covers set`` changes it."""
    from tongpan.inventory.policy_queries import select_covers

    if context.invoked_subcommand is not None:
        return
    rows = [
        {"sku": row.sku.code, "name": row.sku.name, "units": row.units, "days": row.days}
        for row in select_covers().order_by("sku__code")
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        click.echo(f"{row['sku']:<24}  {row['units']:>9,} units  {row['days']:>4} days  {row['name']}")


@covers.command("set")
@click.argument("sku")
@click.option("--units", type=click.IntRange(min=0), default=0, help="Never fewer than these.")
@click.option("--days", type=click.IntRange(min=0), default=0, help="Never less than these days of sales.")
@click.option("--not-core", is_flag=True, help="The SKU is core no more.")
@with_database
def set_cover(sku: str, units: int, days: int, not_core: bool) -> None:
    """Make SKU a core SKU with a minimum cover."""
    from tongpan.core.clock import utc_now
    from tongpan.inventory.actions.floors import save_covers
    from tongpan.inventory.engine.policies import CoverSpec

    save_covers([CoverSpec(sku, not not_core, units, days)], actor="cli", now=utc_now())
    click.echo("Saved.")
