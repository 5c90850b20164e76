"""Writes of customers: from identifiers to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    Customers' first_seen_at moves back to the earliest sighting; a name, province or city that was unknown is
    filled in, by the first sighting that says it: many sightings at once do what they would do one by one.
    Identifiers are inserted in ascending order of their digest and a concurrent insert of the same one is waited
    for, so that one identifier never makes two customers. Statements: at most eight.
    """
    if not sightings:
        return []
    digests = [vault.blind_index(s.kind, s.scope, s.value) for s in sightings]
    seen: dict[bytes, Sighting] = {}
    for digest, sighting in zip(digests, sightings, strict=True):
        before = seen.get(digest)
        seen[digest] = sighting if before is None else _joined(before, sighting)
    known = _customers_of(list(seen))
    made = _create(sorted(set(seen) - set(known)), seen)
    # Another intake made the others between our look and our insert: theirs stand, and are filled in.
    known |= _customers_of([digest for digest in seen if digest not in known and digest not in made])
    _fill_in([(known[digest], seen[digest]) for digest in seen if digest in known])
    customers = known | made
    return [customers[digest] for digest in digests]


def _joined(first: Sighting, then: Sighting) -> Sighting:
    return replace(
        first,
        seen_at=min(first.seen_at, then.seen_at),
        name=first.name or then.name,
        province=first.province or then.province,
        city=first.city or then.city,
    )


def _customers_of(digests: list[bytes]) -> dict[bytes, int]:
    if not digests:
        return {}
    rows = fetch_all("SELECT digest, customer_id FROM customers_identifier WHERE digest = ANY(%s)", [digests])
    return {bytes(digest): customer_id for digest, customer_id in rows}


def _create(digests: list[bytes], seen: Mapping[bytes, Sighting]) -> dict[bytes, int]:
    """Make a customer for each of ``digests`` that nobody else makes meanwhile; their ids by digest."""
    if not digests:
        return {}
    sightings = [seen[digest] for digest in digests]
    ids = next_ids("customers_customer", len(digests))
    copy_rows(
        "customers_customer",
        ("id", "code", "name_sealed", "province", "city", "first_seen_at"),
        (
            (i, f"C{i:08d}", name, s.province[:60], s.city[:60], s.seen_at)
            for i, s, name in zip(ids, sightings, vault.seal_many([s.name for s in sightings]), strict=True)
        ),
    )
    won = fetch_all(
        """INSERT INTO customers_identifier (kind, scope, digest, value_sealed, customer_id, first_seen_at)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::bigint[], %s::timestamptz[])
           ON CONFLICT DO NOTHING RETURNING digest, customer_id""",
        [
            [s.kind for s in sightings],
            [s.scope for s in sightings],
            digests,
            vault.seal_many([s.value for s in sightings]),
            ids,
            [s.seen_at for s in sightings],
        ],
    )
    made = {bytes(digest): customer_id for digest, customer_id in won}
    if len(made) < len(digests):
        execute("DELETE FROM customers_customer WHERE id = ANY(%s)", [list(set(ids) - set(made.values()))])
    return made


def _fill_in(people: list[tuple[int, Sighting]]) -> None:
    if not people:
        return
    people.sort(key=lambda pair: pair[0])
    execute(
        """WITH s AS (
             SELECT c.id, s.seen_at, s.province, s.city, s.name_sealed
             FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::bytea[])
                  AS s(id, seen_at, province, city, name_sealed)
             JOIN customers_customer c ON c.id = s.id
             WHERE s.seen_at < c.first_seen_at OR (c.name_sealed = '' AND s.name_sealed <> '')
                OR (c.province = '' AND s.province <> '') OR (c.city = '' AND s.city <> '')
             ORDER BY c.id FOR NO KEY UPDATE OF c)
           UPDATE customers_customer c SET
               first_seen_at = least(c.first_seen_at, s.seen_at),
               name_sealed = CASE WHEN c.name_sealed = '' THEN s.name_sealed ELSE c.name_sealed END,
               province = CASE WHEN c.province = '' THEN s.province ELSE c.province END,
               city = CASE WHEN c.city = '' THEN s.city ELSE c.city END
           FROM s WHERE c.id = s.id""",
        [
            [customer_id for customer_id, _ in people],
            [s.seen_at for _, s in people],
            [s.province[:60] for _, s in people],
            [s.city[:60] for _, s in people],
            vault.seal_many([s.name for _, s in people]),
        ],
    )
