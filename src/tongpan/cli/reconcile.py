"""``tongpan reconcile``: prove that stock, orders and fulfilments add up."""

from __future__ import annotations

import sys

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.command("reconcile")
@json_option
@with_database
def reconcile(as_json: bool) -> None:
    """Prove that every stock level, order and fulfilment is the sum of what it is made of.

    Exit code 0 when all add up, 1 when something differs.
    """
    from tongpan.runtime.reconcile import reconcile as prove

    result = prove()
    if as_json:
        echo_json(result)
    else:
        for name, count in result["checked"].items():
            click.echo(f"{count:>12,}  {name}")
        for difference in result["differences"]:
            click.echo("differs: " + ", ".join(f"{key} {value}" for key, value in difference.items()), err=True)
        click.echo("Everything adds up." if result["clean"] else f"{len(result['differences'])} figures differ.")
    if not result["clean"]:
        sys.exit(1)
