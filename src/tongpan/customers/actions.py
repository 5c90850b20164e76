"""Writes of customers: from identifiers to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.access import vault
from tongpan.core.bulk import copy_rows, execute, fetch_all, next_ids


@dataclass(frozen=True, slots=True)
class Sighting:
    """One identifier seen at one instant, with what was said of the person; name is personal data."""

    kind: str
    scope: str
    value: str
    seen_at: datetime
    name: str = ""
    province: str = ""
    city: str = ""


def identify(sightings: Sequence[Sighting]) -> list[int]:
    """The customer id of each sighting, at the same position; an identifier never seen makes a customer.

    Customers' first_seen_at moves back to the earliest sighting; an unknown name, province or city is filled
    in. Identifiers are inserted in ascending order of their digest and a concurrent insert of the same one is
    waited for, so that one identifier never makes two customers. Statements: at most eight.
    """
    if not sightings:
        return []
    digests = [vault.blind_index(s.kind, s.scope, s.value) for s in sightings]
    first: dict[bytes, Sighting] = {}
    for digest, sighting in zip(digests, sightings, strict=True):
        if digest not in first or sighting.seen_at < first[digest].seen_at:
            first[digest] = sighting
    known = _customers_of(list(first))
    missing = sorted(set(first) - set(known))
    if missing:
        known |= _create(missing, first)
    seen_before = [digest for digest in first if digest not in missing]
    if seen_before:
        _fill_in([(known[digest], first[digest]) for digest in seen_before])
    return [known[digest] for digest in digests]


def _customers_of(digests: list[bytes]) -> dict[bytes, int]:
    rows = fetch_all("SELECT digest, customer_id FROM customers_identifier WHERE digest = ANY(%s)", [digests])
    return {bytes(digest): customer_id for digest, customer_id in rows}


def _create(digests: list[bytes], first: dict[bytes, Sighting]) -> dict[bytes, int]:
    ids = next_ids("customers_customer", len(digests))
    copy_rows(
        "customers_customer",
        ("id", "code", "name_sealed", "province", "city", "first_seen_at"),
        (
            (i, f"C{i:08d}", vault.seal(s.name), s.province[:60], s.city[:60], s.seen_at)
            for i, s in zip(ids, (first[d] for d in digests), strict=True)
        ),
    )
    sightings = [first[digest] for digest in digests]
    won = fetch_all(
        """INSERT INTO customers_identifier (kind, scope, digest, value_sealed, customer_id, first_seen_at)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::bigint[], %s::timestamptz[])
           ON CONFLICT DO NOTHING RETURNING digest, customer_id""",
        [
            [s.kind for s in sightings],
            [s.scope for s in sightings],
            digests,
            [vault.seal(s.value) for s in sightings],
            ids,
            [s.seen_at for s in sightings],
        ],
    )
    made = {bytes(digest): customer_id for digest, customer_id in won}
    lost = [digest for digest in digests if digest not in made]
    if lost:
        # Another intake made these identifiers between our look and our insert: theirs stand.
        execute("DELETE FROM customers_customer WHERE id = ANY(%s)", [list(set(ids) - set(made.values()))])
        made |= _customers_of(lost)
    return made


def _fill_in(people: list[tuple[int, Sighting]]) -> None:
    people.sort(key=lambda pair: pair[0])
    execute(
        """UPDATE customers_customer c SET
               first_seen_at = least(c.first_seen_at, s.seen_at),
               name_sealed = CASE WHEN c.name_sealed = '' THEN s.name_sealed ELSE c.name_sealed END,
               province = CASE WHEN c.province = '' THEN s.province ELSE c.province END,
               city = CASE WHEN c.city = '' THEN s.city ELSE c.city END
           FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::bytea[])
                AS s(id, seen_at, province, city, name_sealed)
           WHERE c.id = s.id AND (s.seen_at < c.first_seen_at OR (c.name_sealed = '' AND s.name_sealed <> '')
                 OR (c.province = '' AND s.province <> '') OR (c.city = '' AND s.city <> ''))""",
        [
            [customer_id for customer_id, _ in people],
            [s.seen_at for _, s in people],
            [s.province[:60] for _, s in people],
            [s.city[:60] for _, s in people],
            [vault.seal(s.name) for _, s in people],
        ],
    )
