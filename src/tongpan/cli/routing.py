"""``tongpan routing``: routing policies, dry runs of them on past orders, and how good the routing is."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

ACTOR = "command line"


@click.group("routing")
def routing() -> None:
    """Which node ships an order: policies, their versions, and what a change would have done."""


@routing.command("policies")
@json_option
@with_database
def policies(*, as_json: bool) -> None:
    """List the policies, and where each counts."""
    from dataclasses import asdict

    from tongpan.fulfillment.routing.queries import list_policies

    rows = list_policies()
    if as_json:
        echo_json([asdict(row) for row in rows])
        return
    for row in rows:
        version = f"version {row.published}" if row.published else "not published"
        draft = f", draft {row.draft}" if row.draft else ""
        where = ", ".join(scope or "everywhere else" for scope in row.scopes)
        click.echo(f"{row.code:<24} {version + draft:<24} {where}")


@routing.command("show")
@click.argument("code")
@click.option("--version", "number", type=click.IntRange(min=1), help="Instead of the published one.")
@click.option("--draft", "is_draft", is_flag=True, help="The draft instead of the published version.")
@json_option
@with_database
def show(*, code: str, number: int | None, is_draft: bool, as_json: bool) -> None:
    """Print a policy as the document that can be edited."""
    from tongpan.fulfillment.routing.language import as_text
    from tongpan.fulfillment.routing.queries import document_of

    version, document = document_of(code, number or ("draft" if is_draft else "published"))
    if as_json:
        echo_json({"policy": code, "version": version, "document": document})
    else:
        click.echo(as_text(document), nl=False)


@routing.command("validate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def validate(*, file: Path, as_json: bool) -> None:
    """Say what is wrong with a policy in FILE (YAML or JSON), and where. Nothing is kept."""
    from tongpan.core.errors import Refusal
    from tongpan.fulfillment.routing.language import BadPolicy, read_policy

    try:
        policy = read_policy(_document(file), file.stem, 1)
    except BadPolicy as bad:
        if as_json:
            echo_json({"is_valid": False, "problems": [problem._asdict() for problem in bad.problems]})
        else:
            for where, sentence in bad.problems:
                click.echo(f"{where or file.name}: {sentence}", err=True)
        raise Refusal("policy.document", f"{file.name} has {len(bad.problems)} problems.") from bad
    if as_json:
        echo_json({"is_valid": True, "problems": []})
    else:
        click.echo(f"{file.name} is a policy of {len(policy.rules)} rules.")


@routing.command("publish")
@click.argument("code")
@click.option(
    "--policy", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take this document (YAML or JSON) in place of the draft.",
)  # fmt: skip
@click.option("--note", default="", help="Why it is changed.")
@click.option("--channel", default="", help="Also let it count for this channel.")
@click.option("--shop", default="", help="Also let it count for this shop.")
@click.option("--everywhere", is_flag=True, help="Also let it count wherever nothing narrower does.")
@json_option
@with_database
def publish_(
    *, code: str, file: Path | None, note: str, channel: str, shop: str, everywhere: bool, as_json: bool
) -> None:
    """Publish the draft of the policy CODE."""
    from django.db import transaction

    from tongpan.core.clock import utc_now
    from tongpan.fulfillment.routing.actions import assign, publish, save_draft

    now = utc_now()
    with transaction.atomic():
        if file is not None:
            save_draft(code, _document(file), note=note, actor=ACTOR, now=now)
        version = publish(code, actor=ACTOR, now=now)
        if channel or shop or everywhere:
            assign(code, channel=channel, shop=shop, actor=ACTOR, now=now)
    if as_json:
        echo_json({"policy": code, "version": version.number})
    else:
        click.echo(f"Version {version.number} of {code} is published.")


@routing.command("dry-run")
@click.option("--from", "day_from", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First business day.")
@click.option("--to", "day_to", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day behind the last one.")
@click.option(
    "--policy", "policy", required=True, help="A file (YAML or JSON), or the code of a policy: its draft if it has one."
)
@click.option(
    "--stock", type=click.Choice(["now", "recorded", "unlimited"]), default="now", show_default=True,
    help="now: each day begins with the stock of now; recorded: as the movements say; unlimited: enough everywhere.",
)  # fmt: skip
@click.option("--channel", default="", help="Only the orders of this channel.")
@json_option
@with_database
def dry_run(*, day_from: datetime, day_to: datetime, policy: str, stock: str, channel: str, as_json: bool) -> None:
    """Route past orders by the policies that count and by another one, and compare. Nothing is booked."""
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal
    from tongpan.fulfillment.dryrun.actions import ask_dry_run, run_dry
    from tongpan.fulfillment.dryrun.engine import STOCKS, Ask

    code, version, document = _tried(policy)
    mode = next(one for one in STOCKS if one == stock)
    ask = Ask(code, version, document, day_from.date(), day_to.date(), mode, channel)
    run = ask_dry_run(ask, is_queued=False, actor=ACTOR, now=utc_now())
    is_quiet = as_json or not sys.stderr.isatty()
    with click.progressbar(length=1, label="Routing", hidden=is_quiet, file=sys.stderr) as bar:
        seen = 0

        def told(done: int, total: int) -> None:
            nonlocal seen
            bar.length = total
            bar.update(done - seen)
            seen = done

        run = run_dry(run.pk, progress=told)
    if run.error:
        raise Refusal("dry_run.failed", run.error)
    if as_json:
        echo_json({"id": run.pk, "policy": code, "version": version, "stock": stock, **run.result})
        return
    _print(run.pk, run.result)


@routing.command("gap")
@click.option("--last", type=click.IntRange(1, 10_000), default=500, show_default=True, help="So many of the newest.")
@json_option
@with_database
def gap(*, last: int, as_json: bool) -> None:
    """Route the newest orders again, in their turn and all at once, and show how far the first is from the best.

    Writes nothing. The best leaves the fewest orders out, then makes the fewest parcels, then the fewest kilometres.
    """
    from tongpan.core.clock import utc_now
    from tongpan.fulfillment.optimum.queries import measure_gap

    replay = measure_gap(last=last, now=utc_now())
    found = replay.gap
    scores = {"policy": found.ladder, "optimum": found.best.score, "bound": found.best.bound}
    if as_json:
        told = {
            name: {"unfilled": score.unfilled, "parcels": score.parcels, "km": score.cost / 10}
            for name, score in scores.items()
        }
        echo_json(
            {
                "orders": found.orders,
                "placed_from": replay.first,
                "placed_to": replay.last,
                "without_place": replay.without_place,
                "parts": found.best.parts,
                "open_parts": found.best.open,
                "is_proven": found.best.is_proven,
                "nodes_used": len(found.loads),
                **told,
            }
        )
        return
    click.echo(f"{found.orders} orders, placed {replay.first:%Y-%m-%d} to {replay.last:%Y-%m-%d}")
    for name, score in scores.items():
        click.echo(f"{name:8} {score.unfilled:7} left out {score.parcels:8} parcels {score.cost / 10:12,.1f} km")
    apart = found.apart
    click.echo(
        f"Beside the best assignment of all of them at once the policy leaves {apart.unfilled} more out, "
        f"makes {apart.parcels} more parcels and {apart.cost / 10:,.1f} km more."
    )
    if not found.best.is_proven:
        click.echo(
            f"{found.best.open} of {found.best.parts} parts of the batch were too large to be solved to the end: "
            "the optimum is the best found, and nothing can be better than the bound."
        )
    if replay.without_place:
        click.echo(f"{replay.without_place} orders have no known place; their parcels count 30,000 km each.")


def _tried(policy: str) -> tuple[str, int, dict[str, Any]]:
    from tongpan.core.errors import Refusal
    from tongpan.fulfillment.routing.queries import document_of

    file = Path(policy)
    if file.is_file():
        return file.stem[:40], 0, _document(file)
    try:
        number, document = document_of(policy, "draft")
    except Refusal:
        number, document = document_of(policy, "published")
    return policy, number, dict(document)


def _document(file: Path) -> Any:
    from tongpan.core.errors import Refusal
    from tongpan.fulfillment.routing.language import load_text

    try:
        return load_text(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise Refusal("policy.document", f"{file.name} is not text in UTF-8.") from error


def _print(run_id: int, result: dict[str, Any]) -> None:
    before, after = result["before"], result["after"]
    rows: list[tuple[str, str, str]] = [
        (name, f"{before[key]:,}", f"{after[key]:,}")
        for name, key in (("orders", "orders"), ("routed", "routed"), ("split", "split"), ("parcels", "parcels"))
    ]
    rows.append(("kilometres", f"{before['distance'] / 10:,.0f}", f"{after['distance'] / 10:,.0f}"))
    rows.append((f"cost {result['currency']}".strip(), f"{before['cost'] / 100:,.2f}", f"{after['cost'] / 100:,.2f}"))
    rows.append(("on time", _share(before), _share(after)))
    click.echo(f"{'':<14}{'before':>16}{'after':>16}")
    for name, old, new in rows:
        click.echo(f"{name:<14}{old:>16}{new:>16}")
    click.echo(f"{result['changed']:,} orders go another way. Kept as dry run {run_id}.")


def _share(side: dict[str, Any]) -> str:
    return f"{side['on_time'] / side['judged']:.1%}" if side["judged"] else "-"
