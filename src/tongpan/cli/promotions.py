"""``tongpan promotions``: the rulebook of offers, and the check of it before launch."""

from __future__ import annotations

import click

from tongpan.cli.rulebook import COMMANDS
from tongpan.cli.session import echo_json, json_option, with_database
from tongpan.core.errors import Refusal

ACTOR = "command line"


@click.group("promotions")
def promotions() -> None:
    """Offers of all channels: what the rulebook says, and whether it contradicts itself."""


@promotions.command("check")
@click.argument("draft")
@click.option("--campaign", default="", help="Only what the rules of this campaign have a part in.")
@json_option
@with_database
def check(*, draft: str, campaign: str, as_json: bool) -> None:
    """Check the DRAFT of the rulebook against all channels before launch; exit code 1 while a finding is open."""
    from tongpan.core.clock import utc_now
    from tongpan.forecasting.launches import check_launch
    from tongpan.promotions.conflicts.queries import FoundRow, last_check
    from tongpan.promotions.conflicts.words import TITLES, TODO, sentence_of
    from tongpan.promotions.queries import draft_of

    run = check_launch(draft, campaign=campaign, actor=ACTOR, now=utc_now())
    kept = draft_of(draft)
    whole, currency = last_check(kept), kept.document.get("currency", "CNY")
    if whole is not None and whole.run.pk == run.pk:
        found = whole.findings
    else:
        found = [FoundRow(row) for row in run.findings.order_by("position")]
    left = [one for one in found if one.is_open]
    if as_json:
        echo_json(
            {
                "draft": draft,
                "took_ms": run.took_ms,
                "carts": run.carts,
                "pairs": run.pairs,
                "proven": run.proven,
                "open": len(left),
                "findings": [
                    {**one.row.content, "key": one.row.key, "accepted_by": one.accepted_by, "reason": one.reason}
                    for one in found
                ],
                "coverage": run.coverage,
            }
        )
    else:
        for one in found:
            state = f" (accepted by {one.accepted_by}: {one.reason})" if one.accepted_by else ""
            click.echo(
                f"{TITLES[one.row.kind]}{state}\n  {sentence_of(one.row.content, currency)}\n  {TODO[one.row.kind]}"
            )
        click.echo(
            f"{run.sku_count:,} SKUs in {run.channel_count} channels in {run.took_ms / 1000:.1f} s: "
            f"{len(found)} findings, {len(left)} of them open."
        )
    if left:
        raise Refusal("draft.findings", f"{len(left)} findings are open; the draft {draft} cannot be published yet.")


@promotions.command("depth")
@click.argument("percent", type=float)
@with_database
def depth(*, percent: float) -> None:
    """From now on a discount of more than PERCENT of the list price is a finding of the check, to be accepted."""
    from decimal import Decimal

    from tongpan.core.clock import utc_now
    from tongpan.promotions.conflicts.actions import set_most_discount

    set_most_discount(Decimal(str(percent)), actor=ACTOR, now=utc_now())
    click.echo(f"Discounts of more than {percent:g} % need approval.")


for command in COMMANDS:
    promotions.add_command(command)
