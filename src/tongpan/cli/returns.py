"""``tongpan returns``: what comes back, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def returns() -> None:
    """Read cases of after-sale, their refunds, and why goods come back."""


@returns.command("list")
@click.option("--status", default="open", metavar="STATUS", help="open (the default), refund, all, or one status.")
@click.option("--overdue", is_flag=True, help="Only cases whose next step is late.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@with_database
def show_list(status: str, overdue: bool, limit: int, as_json: bool) -> None:
    """List cases, what is due first first."""
    from tongpan.core.clock import utc_now
    from tongpan.orders.aftersale.queries import CaseFilter, select_cases

    wanted = CaseFilter("" if status == "all" else status, overdue_at=utc_now() if overdue else None)
    rows = [_head(row) for row in select_cases(wanted).order_by("due_at", "pk")[:limit]]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("There is no such case.")
    for one in rows:
        due = f"due {one['due_at']}" if one["due_at"] else ""
        click.echo(f"{one['number']}  {one['status']}  {one['kind']}  order {one['order']}  {one['quoted']}  {due}")


@returns.command("show")
@click.argument("case_id", metavar="CASE", type=int)
@json_option
@with_database
def show_one(case_id: int, as_json: bool) -> None:
    """Show one case (7 for AS7) with its lines, story and refunds."""
    from tongpan.core.errors import Refusal
    from tongpan.core.money import Money
    from tongpan.orders.aftersale.queries import whole_case

    whole = whole_case(case_id)
    if whole is None:
        raise Refusal("case.unknown", f"There is no case AS{case_id}; `tongpan returns list` names them.")
    told = {
        **_head(whole.case),
        "allowed_because": whole.case.answer["sentence"],
        "lines": [
            {"line": line.line_no, "sku": line.sku.code, "qty": line.qty, "reason": line.reason} for line in whole.lines
        ],
        "refunds": [
            {"status": refund.status, "total": Money(refund.total_minor, refund.currency).as_json()}
            for refund in whole.refunds
        ],
        "events": [{"at": e.at.isoformat(), "kind": e.kind, "actor": e.actor} for e in whole.events],
    }
    if as_json:
        echo_json(told)
        return
    click.echo(f"{told['number']}  {told['status']}  {told['kind']}  order {told['order']}  {told['quoted']}")
    click.echo(told["allowed_because"])
    for line in told["lines"]:
        click.echo(f"  line {line['line']}  {line['sku']} x {line['qty']}  {line['reason']}")
    for refund in told["refunds"]:
        click.echo(f"  refund {refund['total']['amount']} {refund['total']['currency']}  {refund['status']}")
    for event in told["events"]:
        click.echo(f"  {event['at']}  {event['kind']}  {event['actor']}")


@returns.command("reasons")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="How far back.")
@json_option
@with_database
def show_reasons(days: int, as_json: bool) -> None:
    """Say why goods came back, the most frequent reason first."""
    from dataclasses import asdict

    from tongpan.core.clock import utc_now
    from tongpan.orders.aftersale.queries import reasons_given

    now: datetime = utc_now()
    rows = [asdict(row) for row in reasons_given(now - timedelta(days=days), now)]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo(f"Nothing was asked back in the last {days} days.")
    for one in rows:
        what = "fault of quality" if one["is_quality"] else "other"
        click.echo(f"{one['units']:>8} units  {one['cases']:>6} cases  {one['reason']}  ({what})")


def _head(row: Any) -> dict[str, Any]:
    from tongpan.core.money import to_decimal

    return {
        "number": row.number,
        "order": row.order.external_id,
        "shop": row.shop.code,
        "kind": row.kind,
        "status": row.status,
        "owner": row.owner,
        "quoted": f"{to_decimal(row.quoted_minor, row.currency)} {row.currency}",
        "due_at": row.due_at and row.due_at.isoformat(),
    }
