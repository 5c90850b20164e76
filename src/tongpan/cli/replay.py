"""``tongpan replay``: past orders through a rulebook, before it counts."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

ACTOR = "command line"


@click.group("replay", invoke_without_command=True)
@click.option("--rulebook", default="", help="A draft's name, or the number of a version.")
@click.option("--from", "day_from", type=click.DateTime(["%Y-%m-%d"]), help="First day of the orders.")
@click.option("--to", "day_to", type=click.DateTime(["%Y-%m-%d"]), help="Day behind the last one.")
@click.option(
    "--prices", type=click.Choice(["recorded", "book"]), default="recorded", show_default=True,
    help="What goods cost before discounts: as recorded, or as the price lists ask now.",
)  # fmt: skip
@click.option(
    "--coupons", type=click.Choice(["brought", "all"]), default="brought", show_default=True,
    help="The coupons that orders had, or one of each rule that needs one for every order.",
)  # fmt: skip
@click.option("--channel", default="", help="Only the orders of this channel.")
@click.option(
    "--tier", "tiers", multiple=True, metavar="TIER=AMOUNT",
    help="A tier that buyers have from this amount spent before on, in minor units; several may be given.",
)  # fmt: skip
@click.option("--name", default="", help="What the run is called.")
@json_option
@click.pass_context
def replay(ctx: click.Context, /, **given: Any) -> None:
    """Price past orders by another rulebook and compare: revenue, margin, discounts by payer, prices that break limits.

    Nothing but the run itself is written; it is kept and can be shown and compared again.
    """
    if ctx.invoked_subcommand is None:
        if not given["rulebook"] or given["day_from"] is None or given["day_to"] is None:
            raise click.UsageError("Name --rulebook, --from and --to; or one of the commands list, show, compare.")
        _run(**given)


@with_database
def _run(
    *,
    rulebook: str,
    day_from: datetime,
    day_to: datetime,
    prices: str,
    coupons: str,
    channel: str,
    tiers: tuple[str, ...],
    name: str,
    as_json: bool,
) -> None:
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal
    from tongpan.orders.replaying.actions import ask_replay, run_replay
    from tongpan.orders.replaying.basics import COUPONS, PRICES, Ask

    ask = Ask(
        rulebook,
        day_from.date(),
        day_to.date(),
        next(one for one in PRICES if one == prices),
        next(one for one in COUPONS if one == coupons),
        channel,
        dict(_tier(one) for one in tiers),
        name,
    )
    run = ask_replay(ask, is_queued=False, actor=ACTOR, now=utc_now())
    is_quiet = as_json or not sys.stderr.isatty()
    with click.progressbar(length=1, label="Replaying", hidden=is_quiet, file=sys.stderr) as bar:
        seen = 0

        def told(done: int, total: int) -> None:
            nonlocal seen
            bar.length = total
            bar.update(done - seen)
            seen = done

        run = run_replay(run.pk, progress=told)
    if run.error:
        raise Refusal("replay.failed", run.error)
    _show(run, as_json=as_json)


def _tier(text: str) -> tuple[str, int]:
    tier, _, amount = text.partition("=")
    if not tier or not amount.isdecimal():
        raise click.BadParameter(f"{text!r} is not TIER=AMOUNT, as gold=500000.", param_hint="--tier")
    return tier, int(amount)


@replay.command("list")
@json_option
@with_database
def list_(*, as_json: bool) -> None:
    """List the newest replays that are kept."""
    from tongpan.orders.replaying.queries import replays

    runs = replays()[:50]
    if as_json:
        echo_json([_head(run) for run in runs])
        return
    for run in runs:
        state = run.error or ("done" if run.finished_at else f"{run.done:,} of {run.total:,}")
        click.echo(f"{run.pk:>6}  {run.day_from} – {run.day_to}  {run.rulebook:<20} {run.name:<40} {state}")


@replay.command("show")
@click.argument("run_id", type=click.IntRange(min=1))
@json_option
@with_database
def show(*, run_id: int, as_json: bool) -> None:
    """Print what came of a replay."""
    from tongpan.orders.replaying.queries import replay_by_id

    _show(replay_by_id(run_id), as_json=as_json)


@replay.command("compare")
@click.argument("first", type=click.IntRange(min=1))
@click.argument("second", type=click.IntRange(min=1))
@json_option
@with_database
def compare(*, first: int, second: int, as_json: bool) -> None:
    """Print two replays beside each other: what really was, what the first would give, what the second."""
    from tongpan.orders.replaying.queries import replay_by_id

    runs = [replay_by_id(one) for one in (first, second)]
    if as_json:
        echo_json([{**_head(run), "result": run.result} for run in runs])
        return
    _table(
        ["before", *(f"{run.pk} {run.rulebook}" for run in runs)],
        [
            next((run.result["before"] for run in runs if run.result), {}),
            *(run.result.get("after", {}) for run in runs),
        ],
        next((run.result["currency"] for run in runs if run.result), ""),
    )


def _head(run: Any) -> dict[str, Any]:
    return {
        "id": run.pk,
        "name": run.name,
        "rulebook": run.rulebook,
        "from": f"{run.day_from}",
        "to": f"{run.day_to}",
        "prices": run.prices,
        "coupons": run.coupons,
        "done": run.done,
        "total": run.total,
        "error": run.error,
    }


def _show(run: Any, *, as_json: bool) -> None:
    result = run.result
    if as_json:
        echo_json({**_head(run), "result": result})
        return
    if not result:
        click.echo(run.error or f"{run.done:,} of {run.total:,} orders so far.")
        return
    _table(["before", "after"], [result["before"], result["after"]], result["currency"])
    for rule in result["rules"][:20]:
        before, after = rule["before"], rule["after"]
        click.echo(
            f"  {rule['rule']:<28}{before['orders']:>9,} orders {_money(before['off_minor'], result['currency']):>15}"
            f"  → {after['orders']:>9,} orders {_money(after['off_minor'], result['currency']):>15}"
        )
    skipped = "".join(f", {number:,} {why}" for why, number in result["skipped"].items())
    click.echo(
        f"{result['changed']:,} of {result['orders']:,} orders change{f' (left out{skipped})' if skipped else ''}. "
        f"Kept as replay {run.pk}."
    )


LABELS = (
    ("list_minor", "List price of goods"),
    ("revenue_minor", "Revenue of goods"),
    ("margin_minor", "Margin, of known costs"),
    ("unknown_minor", "Revenue of unknown cost"),
    ("shipping_minor", "Shipping charged"),
)
COUNTS = (("under_floor", "Lines under their floor"), ("outside_band", "Lines outside the band"), ("gifts", "Gifts"))


def _table(heads: list[str], sides: list[dict[str, Any]], currency: str) -> None:
    click.echo(f"{'':<28}" + "".join(f"{head:>20}" for head in heads))
    for name, label in LABELS:
        click.echo(f"{label:<28}" + "".join(f"{_money(side.get(name), currency):>20}" for side in sides))
    for payer in sorted({payer for side in sides for payer in side.get("offs", {})}):
        values = "".join(f"{_money(side.get('offs', {}).get(payer, 0), currency):>20}" for side in sides)
        click.echo(f"{f'Discounts, {payer}':<28}" + values)
    for name, label in COUNTS:
        click.echo(f"{label:<28}" + "".join(f"{side.get(name, 0):>20,}" for side in sides))


def _money(minor: int | None, currency: str) -> str:
    from tongpan.core.money import to_decimal

    return "—" if minor is None else f"{to_decimal(minor, currency or 'CNY'):,}"
