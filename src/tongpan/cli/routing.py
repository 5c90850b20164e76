"""``tongpan routing``: how good the routing of orders is."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group("routing")
def routing() -> None:
    """How good the routing of orders is."""


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
