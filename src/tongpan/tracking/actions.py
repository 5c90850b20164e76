"""Writes of visits and door counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from tongpan.core.bulk import execute, fetch_all, instants, texts, whole_numbers
from tongpan.core.clock import business_day
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.customers.actions import Sighting, identify
from tongpan.tracking.engine import DoorDoc, TrackOutcome, VisitDoc, door_refusal, refused, visit_refusal
from tongpan.tracking.events import DOORS_COUNTED, VISITED


def record_visits(
    docs: Sequence[VisitDoc], *, now: datetime, nodes: Collection[int] | None = None
) -> list[TrackOutcome]:
    """Keep visits; the outcome of each, at the same position. One that is in already is unchanged, whatever it says.

    A visitor who is named becomes a customer, or is found as one. nodes: ids of the nodes that the person may work at,
    None for all. One transaction; the number of statements is constant. What cannot be taken is refused on its own.
    """
    return run_in_transaction(lambda: _record(docs, nodes, now))


def _record(docs: Sequence[VisitDoc], nodes: Collection[int] | None, now: datetime) -> list[TrackOutcome]:
    places = _places({doc.node_code for doc in docs})
    wanted = sorted({code for doc in docs for code in doc.goods if code.isprintable()})
    skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [wanted]))
    outcomes: dict[int, TrackOutcome] = {}
    taken: dict[tuple[str, str], tuple[int, VisitDoc]] = {}
    twice: list[tuple[int, tuple[str, str]]] = []
    for position, doc in enumerate(docs):
        wrong = visit_refusal(doc, now) or _unknown(doc, places, skus, nodes)
        if wrong:
            outcomes[position] = wrong
        elif (doc.source, doc.number) in taken:
            twice.append((position, (doc.source, doc.number)))
        else:
            taken[doc.source, doc.number] = (position, doc)
    known = _known(taken)
    fresh = [doc for key, (_, doc) in taken.items() if key not in known]
    made = _insert(fresh, places)
    _goods([(made[doc.source, doc.number][0], skus[code]) for doc in fresh for code in dict.fromkeys(doc.goods)])
    append(
        [
            NewEvent(
                VISITED,
                str(visit_id),
                {
                    "node": places[doc.node_code][0],
                    "kind": doc.kind,
                    "customer": customer_id,
                    "day": _day(doc.at, places[doc.node_code][1]).isoformat(),
                },
            )
            for doc in fresh
            for visit_id, customer_id in [made[doc.source, doc.number]]
        ]
    )
    for key, (position, _) in taken.items():
        outcomes[position] = (
            TrackOutcome("accepted", made[key][0]) if key in made else TrackOutcome("unchanged", known[key])
        )
    for position, key in twice:
        outcomes[position] = TrackOutcome("unchanged", made[key][0] if key in made else known[key])
    return [outcomes[position] for position in range(len(docs))]


_Places = Mapping[str, tuple[int, str]]
"""(id, zone) of nodes by code."""


def _places(codes: Collection[str]) -> _Places:
    rows = fetch_all(
        "SELECT code, id, zone FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'",
        [sorted(code for code in codes if code.isprintable())],
    )
    return {code: (node_id, zone) for code, node_id, zone in rows}


def _day(at: datetime, zone: str) -> date:
    return business_day(at, zone)


def _unknown(
    doc: VisitDoc, places: _Places, skus: Mapping[str, int], nodes: Collection[int] | None
) -> TrackOutcome | None:
    if doc.node_code not in places:
        return refused("visit.node", f"There is no node {doc.node_code!r}.")
    if nodes is not None and places[doc.node_code][0] not in nodes:
        return refused("visit.elsewhere", f"You do not work at node {doc.node_code}.")
    missing = next((code for code in doc.goods if code not in skus), None)
    return None if missing is None else refused("visit.sku", f"There is no SKU {missing!r}.")


def _known(keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    rows = fetch_all(
        """SELECT v.source, v.number, v.id FROM unnest(%s::text[], %s::text[]) AS k(source, number)
           JOIN tracking_visit v USING (source, number)""",
        [[key[0] for key in keys], [key[1] for key in keys]],
    )
    return {(source, number): visit_id for source, number, visit_id in rows}


def _insert(docs: Sequence[VisitDoc], places: _Places) -> dict[tuple[str, str], tuple[int, int | None]]:
    """(visit id, customer id) of the visits written, by their keys; a concurrent copy of one is waited for."""
    named = [doc for doc in docs if doc.visitor]
    people = identify([Sighting(v.kind, v.scope, v.value.strip(), doc.at) for doc in named if (v := doc.visitor)])
    customers = {(doc.source, doc.number): person for doc, person in zip(named, people, strict=True)}
    rows = fetch_all(
        """INSERT INTO tracking_visit (source, number, node_id, kind, at, day, staff, customer_id, note, is_simulated)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[], %s::date[],
                                %s::text[], %s::bigint[], %s::text[], %s::bool[])
           ON CONFLICT (source, number) DO UPDATE SET source = excluded.source
           RETURNING source, number, id, customer_id""",
        [
            [doc.source for doc in docs],
            [doc.number for doc in docs],
            [places[doc.node_code][0] for doc in docs],
            [doc.kind for doc in docs],
            [doc.at for doc in docs],
            [_day(doc.at, places[doc.node_code][1]) for doc in docs],
            [doc.staff for doc in docs],
            [customers.get((doc.source, doc.number)) for doc in docs],
            [doc.note for doc in docs],
            [doc.is_simulated for doc in docs],
        ],
    )
    return {(source, number): (visit_id, customer_id) for source, number, visit_id, customer_id in rows}


def _goods(pairs: Sequence[tuple[int, int]]) -> None:
    if pairs:
        execute(
            """INSERT INTO tracking_visitgoods (visit_id, sku_id)
               SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING""",
            [[visit_id for visit_id, _ in pairs], [sku_id for _, sku_id in pairs]],
        )


def count_doors(docs: Sequence[DoorDoc], *, now: datetime) -> list[TrackOutcome]:
    """Set how many came in at each node and hour; another figure of the same hour replaces it and is logged.

    One transaction, three statements. An hour that stands twice with different figures is refused at the second.
    """
    return run_in_transaction(lambda: _count(docs, now))


def _count(docs: Sequence[DoorDoc], now: datetime) -> list[TrackOutcome]:
    places = _places({doc.node_code for doc in docs})
    outcomes: dict[int, TrackOutcome] = {}
    fresh: dict[tuple[int, datetime], tuple[int, DoorDoc]] = {}
    for position, doc in enumerate(docs):
        wrong = door_refusal(doc, now)
        if doc.node_code not in places:
            wrong = refused("door.node", f"There is no node {doc.node_code!r}.")
        if wrong:
            outcomes[position] = wrong
            continue
        key = (places[doc.node_code][0], doc.hour.replace(minute=0, second=0, microsecond=0))
        first = fresh.setdefault(key, (position, doc))
        if first[0] != position:
            same = first[1].entered == doc.entered
            words = f"The hour {key[1]:%Y-%m-%d %H:00} of {doc.node_code} stands twice, with other figures."
            outcomes[position] = TrackOutcome("unchanged") if same else refused("door.twice", words)
    zones = dict(places.values())
    keys = sorted(fresh)
    changed = fetch_all(
        """INSERT INTO tracking_doorcount AS d (node_id, hour, day, entered, is_simulated)
           SELECT k.node_id, k.hour, k.day::date, k.entered, k.is_simulated
           FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::int[], %s::bool[])
                AS k(node_id, hour, day, entered, is_simulated)
           ON CONFLICT (node_id, hour) DO UPDATE SET entered = excluded.entered, is_simulated = excluded.is_simulated
           WHERE d.entered <> excluded.entered RETURNING node_id, hour, day""",
        [
            whole_numbers(node_id for node_id, _ in keys),
            instants(hour for _, hour in keys),
            texts(_day(hour, zones[node_id]).isoformat() for node_id, hour in keys),
            whole_numbers(fresh[key][1].entered for key in keys),
            [fresh[key][1].is_simulated for key in keys],
        ],
    )
    new = {(node_id, hour) for node_id, hour, _ in changed}
    for key, (position, _) in fresh.items():
        outcomes[position] = TrackOutcome("accepted" if key in new else "unchanged")
    days: dict[int, set[str]] = {}
    for node_id, _, day in changed:
        days.setdefault(node_id, set()).add(day.isoformat())
    append([NewEvent(DOORS_COUNTED, str(node_id), {"days": sorted(found)}) for node_id, found in sorted(days.items())])
    return [outcomes[position] for position in range(len(docs))]
