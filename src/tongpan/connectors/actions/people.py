"""People out of customer lists: known by an identifier, without an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tongpan.access import vault
from tongpan.connectors.engine.cells import is_masked
from tongpan.core.bulk import fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.customers.actions import Sighting, identify


def save_people(people: Sequence[Mapping[str, Any]], *, now: datetime, is_dry_run: bool) -> list[tuple[str, str]]:
    """Take people in; (state, reason) of each, at the same position.

    people: kind, scope, value, name, province, city. An identifier never seen makes a customer ("accepted"); of
    one that is known only what was unknown is filled in ("unchanged"). A masked value is no identity ("refused").
    """
    sound = [fields for fields in people if not is_masked(fields["value"])]
    known = _known(sound)
    if not is_dry_run:
        sightings = [
            Sighting(
                f["kind"], f["scope"], f["value"], now, *[_plain(f[name]) for name in ("name", "province", "city")]
            )
            for f in sound
        ]
        run_in_transaction(lambda: identify(sightings))
    states = iter(known)
    return [
        ("refused", "is masked, and no identity")
        if is_masked(fields["value"])
        else ("unchanged" if next(states) else "accepted", "")
        for fields in people
    ]


def _known(people: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether each was known before, or stands in the list already."""
    digests = [vault.blind_index(f["kind"], f["scope"], f["value"]) for f in people]
    rows = fetch_all("SELECT digest FROM customers_identifier WHERE digest = ANY(%s)", [digests]) if digests else []
    seen = {bytes(digest) for (digest,) in rows}
    told = []
    for digest in digests:
        told.append(digest in seen)
        seen.add(digest)
    return told


def _plain(text: str) -> str:
    return "" if is_masked(text) else text
