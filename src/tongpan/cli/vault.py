"""``tongpan vault``: the keys that seal personal data."""

from __future__ import annotations

import click

from tongpan.cli.session import echo_json, json_option, with_database


@click.group()
def vault() -> None:
    """The keys that seal personal data."""


@vault.command("status")
@json_option
@with_database
def status(as_json: bool) -> None:
    """Say which keys there are and whether they are those of this database."""
    from tongpan.access.vault import keyring

    ring = keyring()
    result = {"keys": sorted(ring.sealing), "current": ring.current_id, "matches_database": True}
    if as_json:
        echo_json(result)
    else:
        click.echo(f"The vault's keys match the database. New text is sealed with key {ring.current_id}.")


@vault.command("rotate")
@json_option
@with_database
def rotate(as_json: bool) -> None:
    """Add a key and seal with it from now on. Keep the old ones: they open what they sealed."""
    from tongpan.access.actions import rotate_vault_keys
    from tongpan.core.clock import utc_now

    number = rotate_vault_keys(now=utc_now(), actor="cli")
    if as_json:
        echo_json({"current": number})
    else:
        click.echo(f"New text is sealed with key {number}. Back up secrets/vault.keys now.")
