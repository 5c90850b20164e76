"""``tongpan risk``: what looks like diversion of goods."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def risk() -> None:
    """Score dealers and shops for diversion (窜货), and prove a score from what it was made of."""


@risk.command("diversion")
@click.option("--look", is_flag=True, help="Score everything now; otherwise the last scores are shown.")
@click.option("--prove", type=int, metavar="SCORE", help="Make one score again from its stored inputs.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@with_database
def diversion(look: bool, prove: int | None, limit: int, as_json: bool) -> None:
    """Show the scores of the last run, the highest first. A score that cannot be made again ends with exit code 1."""
    from tongpan.core.clock import utc_now
    from tongpan.core.errors import Refusal
    from tongpan.risk.actions import look_for_diversion
    from tongpan.risk.queries.scores import last_run, recompute, select_scores

    if look and prove is not None:
        raise click.UsageError("Give --look or --prove, not both.")
    if prove is not None:
        again = recompute(prove)
        if not again.is_same:
            raise Refusal(
                "diversion.differs",
                f"Score {prove} was {again.stored.score}; made again from its inputs it is {again.made.total}.",
            )
        if as_json:
            echo_json({"score": again.made.total, "is_same": True})
        else:
            click.echo(f"Score {prove} is {again.made.total}, made again from its stored inputs.")
        return
    if look:
        found = look_for_diversion(actor="cli", now=utc_now())
        if not as_json:
            click.echo(
                f"{found.subjects:,} dealers and shops: {found.striking:,} call for a case, "
                f"{found.watched:,} for watching."
            )
    run = last_run()
    rows = list(select_scores(run.pk).order_by("-score", "pk")[:limit]) if run else []
    told = [
        {
            "id": row.pk,
            "party": f"dealer:{row.dealer.code}" if row.dealer else f"shop:{row.shop.code}" if row.shop else "",
            "score": row.score,
            "level": row.level,
            "signals": {one["code"]: one["value"] for one in row.signals},
        }
        for row in rows
    ]
    if as_json:
        echo_json(told)
        return
    if not told:
        click.echo("Nothing was scored yet; --look scores now.")
    for one in told:
        click.echo(f"{one['score']:>4}  {one['level']:<5}  {one['party']}  (score {one['id']})")
