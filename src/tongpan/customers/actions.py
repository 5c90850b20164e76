"""Writes of customers: from identifiers to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tongpan.access import vault
from tongpan.core.bulk import binaries, execute, fetch_all, instants, texts


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
    for, so that one identifier never makes two customers. Statements: one, another when something is filled in, and
    another when a concurrent insert was waited for.
    """
    if not sightings:
        return []
    blind = vault.keyring().blind_index
    digests = [blind(s.kind, s.scope, s.value) for s in sightings]
    seen: dict[bytes, Sighting] = {}
    for digest, sighting in zip(digests, sightings, strict=True):
        before = seen.get(digest)
        seen[digest] = sighting if before is None else _joined(before, sighting)
    customers, lacking = _find_or_make({digest: seen[digest] for digest in sorted(seen)})
    if others := [digest for digest in seen if digest not in customers]:
        # Another intake made them between our look and our insert: theirs stand, and are filled in.
        customers |= _customers_of(others)
        lacking += others
    _fill_in([(customers[digest], seen[digest]) for digest in lacking])
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


def _find_or_make(seen: Mapping[bytes, Sighting]) -> tuple[dict[bytes, int], list[bytes]]:
    """Customer ids by digest, of the known ones and of those made now; and the known ones that can be filled in.

    One that somebody else makes meanwhile is absent.
    """
    sightings = list(seen.values())
    rows = fetch_all(
        _FIND_OR_MAKE,
        [
            binaries(seen),
            texts(s.kind for s in sightings),
            texts(s.scope for s in sightings),
            binaries(vault.seal_many([s.value for s in sightings])),
            binaries(vault.seal_many([s.name for s in sightings])),
            texts(s.province[:60] for s in sightings),
            texts(s.city[:60] for s in sightings),
            instants(s.seen_at for s in sightings),
        ],
    )
    customers, lacking = {}, []
    for key, customer_id, lacks in rows:
        digest = bytes(key)
        customers[digest] = customer_id
        if lacks:
            lacking.append(digest)
    return customers, lacking


_FIND_OR_MAKE = """
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(%s::bytea[], %s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::text[], %s::text[],
                             %s::timestamptz[])
             AS g(digest, kind, scope, value_sealed, name_sealed, province, city, seen_at)),
    known AS MATERIALIZED (
        SELECT g.digest, i.customer_id,
               g.seen_at < c.first_seen_at OR (c.name_sealed = '' AND g.name_sealed <> '')
               OR (c.province = '' AND g.province <> '') OR (c.city = '' AND g.city <> '') AS lacks
        FROM given g JOIN customers_identifier i ON i.digest = g.digest
             JOIN customers_customer c ON c.id = i.customer_id),
    fresh AS MATERIALIZED (
        SELECT g.*, nextval((SELECT pg_get_serial_sequence('customers_customer', 'id'))::regclass) AS customer_id
        FROM given g WHERE NOT EXISTS (SELECT FROM known k WHERE k.digest = g.digest)),
    won AS (
        INSERT INTO customers_identifier (kind, scope, digest, value_sealed, customer_id, first_seen_at)
        SELECT kind, scope, digest, value_sealed, customer_id, seen_at FROM fresh ORDER BY digest
        ON CONFLICT DO NOTHING RETURNING digest, customer_id),
    made AS (
        INSERT INTO customers_customer (id, code, name_sealed, province, city, first_seen_at)
        SELECT f.customer_id, 'C' || lpad(f.customer_id::text, greatest(8, length(f.customer_id::text)), '0'),
               f.name_sealed, f.province, f.city, f.seen_at
        FROM fresh f JOIN won w ON w.digest = f.digest)
    SELECT digest, customer_id, lacks FROM known UNION ALL SELECT digest, customer_id, false FROM won"""


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
