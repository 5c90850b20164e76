"""Parcels: handed to a carrier, and followed until they arrive."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.dispatch import depart
from tongpan.fulfillment.events import DELIVERED, TRACKED
from tongpan.fulfillment.parcels import ParcelOutcome, ShipDoc, TrackingDoc, event_key, refusal
from tongpan.fulfillment.states import AT_NODE, ENDED
from tongpan.orders.actions import record_delivery
from tongpan.orders.aftersale.actions.tracking import Scan, follow_returns


def ship(docs: Sequence[ShipDoc], *, actor: str, now: datetime) -> list[ParcelOutcome]:
    """Parcels left their nodes; the outcome of each, at the same position.

    Goods that were still allocated to a node leave it with the first parcel of their fulfilment; further parcels
    are added. A parcel that is known changes nothing. Locks orders, fulfilments, then pools, each by id. The number
    of statements does not grow with the batch.
    """
    return run_in_transaction(lambda: _ship(docs, actor=actor, now=now)) if docs else []


class _Candidate(NamedTuple):
    id: int
    order_id: int
    shop: str
    number: str
    node: str
    status: str


def _ship(docs: Sequence[ShipDoc], *, actor: str, now: datetime) -> list[ParcelOutcome]:
    outcomes: dict[int, ParcelOutcome] = {}
    for position, doc in enumerate(docs):
        refused = refusal(doc, now)
        if refused:
            outcomes[position] = refused
    named = [doc for position, doc in enumerate(docs) if position not in outcomes]
    candidates = _candidates(named)
    chosen: dict[int, _Candidate] = {}
    for position, doc in enumerate(docs):
        if position in outcomes:
            continue
        found = _choose(doc, candidates)
        if isinstance(found, _Candidate):
            chosen[position] = found
        else:
            outcomes[position] = found
    left_at: dict[int, datetime] = {}
    for position, one in chosen.items():
        at = docs[position].shipped_at
        left_at[one.id] = min(at, left_at.get(one.id, at))
    allocated = {one.id for one in chosen.values() if one.status in AT_NODE}
    depart({i: at for i, at in left_at.items() if i in allocated}, actor=actor)
    written = _insert(docs, chosen, actor=actor)
    for position, one in chosen.items():
        key = (one.id, docs[position].carrier.strip(), docs[position].tracking_number.strip())
        shipment_id, is_new = written[key]
        outcomes[position] = ParcelOutcome("accepted" if is_new else "unchanged", shipment_id)
        written[key] = (shipment_id, False)
    return [outcomes[position] for position in range(len(docs))]


def _candidates(docs: Sequence[ShipDoc]) -> list[_Candidate]:
    """The fulfilments that ``docs`` may mean, by id, then their orders locked."""
    numbers = sorted({doc.order_number for doc in docs if doc.order_number})
    ids = sorted({doc.fulfillment_id for doc in docs if doc.fulfillment_id})
    orders = fetch_all(
        """SELECT o.id FROM orders_order o
           WHERE o.id IN (SELECT order_id FROM fulfillment_fulfillment WHERE id = ANY(%s))
              OR (o.external_id = ANY(%s))
           ORDER BY o.id FOR NO KEY UPDATE""",
        [ids, numbers],
    )
    rows = fetch_all(
        """SELECT f.id, o.id, s.code, o.external_id, n.code, f.status FROM fulfillment_fulfillment f
           JOIN orders_order o ON o.id = f.order_id JOIN channels_shop s ON s.id = o.shop_id
           JOIN network_node n ON n.id = f.node_id
           WHERE o.id = ANY(%s) ORDER BY f.id FOR NO KEY UPDATE OF f""",
        [[order_id for (order_id,) in orders]],
    )
    return [_Candidate(*row) for row in rows]


def _choose(doc: ShipDoc, candidates: Sequence[_Candidate]) -> _Candidate | ParcelOutcome:
    if doc.fulfillment_id:
        found = [one for one in candidates if one.id == doc.fulfillment_id]
        what = f"fulfilment {doc.fulfillment_id}"
    else:
        found = [
            one
            for one in candidates
            if (one.shop, one.number) == (doc.shop_code, doc.order_number) and doc.node_code in ("", one.node)
        ]
        what = f"order {doc.order_number} of shop {doc.shop_code}" + (
            f" at node {doc.node_code}" if doc.node_code else ""
        )
    alive = [one for one in found if one.status not in ENDED]
    if not alive:
        reason = f"There is nothing to ship for {what}: it is unknown, not routed, or cancelled."
        return ParcelOutcome("refused", None, reason, "parcel.no_fulfillment")
    here = [one for one in alive if one.status in AT_NODE]
    if len(here) == 1:
        return here[0]
    if len(alive) == 1:
        return alive[0]
    nodes = ", ".join(one.node for one in alive)
    reason = f"Several parts of {what} are shipped, from {nodes}: name the node or the fulfilment."
    return ParcelOutcome("refused", None, reason, "parcel.ambiguous")


def _insert(
    docs: Sequence[ShipDoc], chosen: Mapping[int, _Candidate], *, actor: str
) -> dict[tuple[int, str, str], tuple[int, bool]]:
    """(shipment id, whether it is new) by (fulfilment id, carrier, number)."""
    rows: dict[tuple[int, str, str], datetime] = {}
    for position, one in chosen.items():
        doc = docs[position]
        rows.setdefault((one.id, doc.carrier.strip(), doc.tracking_number.strip()), doc.shipped_at)
    if not rows:
        return {}
    columns = [list(column) for column in zip(*rows, strict=True)]
    fresh = fetch_all(
        """INSERT INTO fulfillment_shipment (fulfillment_id, carrier, tracking_number, shipped_at, status, actor)
           SELECT k.*, 'shipped', %s
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[]) AS k
           ON CONFLICT (fulfillment_id, carrier, tracking_number) DO NOTHING RETURNING id""",
        [actor, *columns, list(rows.values())],
    )
    new_ids = {shipment_id for (shipment_id,) in fresh}
    stored = fetch_all(
        """SELECT s.id, s.fulfillment_id, s.carrier, s.tracking_number FROM fulfillment_shipment s
           JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS k(f, c, n)
             ON (s.fulfillment_id, s.carrier, s.tracking_number) = (k.f, k.c, k.n)""",
        columns,
    )
    return {(f, carrier, number): (i, i in new_ids) for i, f, carrier, number in stored}


def record_tracking(docs: Sequence[TrackingDoc], *, actor: str, now: datetime) -> list[ParcelOutcome]:
    """Carriers told where parcels are; the outcome of each document, at the same position.

    An event that is known changes nothing, whatever its order. The status of a parcel follows its latest event;
    when all parcels of a fulfilment have arrived it is delivered, and when all of an order are, the order is.
    A parcel that none of ours left in may be one that comes back: its case of after-sale follows it
    (``follow_returns``), in a transaction of its own. Locks orders, fulfilments, then shipments, each by id. The number
    of statements does not grow with the batch.
    """
    if not docs:
        return []
    outcomes = run_in_transaction(lambda: _record(docs, actor=actor, now=now))
    unknown = [position for position, outcome in enumerate(outcomes) if outcome.code == "parcel.unknown"]
    scans = [_scan(docs[position]) for position in unknown]
    for position, answer in zip(unknown, follow_returns(scans, actor=actor, now=now), strict=True):
        if answer is not None:
            outcomes[position] = ParcelOutcome("accepted" if answer[1] else "unchanged")
    return outcomes


def _scan(doc: TrackingDoc) -> Scan:
    key = event_key(doc).hex()
    return Scan(doc.carrier.strip(), doc.tracking_number.strip(), doc.kind, doc.at, key, doc.place, doc.text)


def _record(docs: Sequence[TrackingDoc], *, actor: str, now: datetime) -> list[ParcelOutcome]:
    outcomes = {position: refused for position, doc in enumerate(docs) if (refused := refusal(doc, now))}
    given = {position: doc for position, doc in enumerate(docs) if position not in outcomes}
    parcels = _parcels({(doc.carrier.strip(), doc.tracking_number.strip()) for doc in given.values()})
    rows: dict[tuple[int, bytes], TrackingDoc] = {}
    meant: dict[int, list[tuple[int, bytes]]] = {}
    for position, doc in given.items():
        ids = parcels.get((doc.carrier.strip(), doc.tracking_number.strip()))
        if not ids:
            reason = f"No parcel of {doc.carrier} has the number {doc.tracking_number}; it must be shipped first."
            outcomes[position] = ParcelOutcome("refused", None, reason, "parcel.unknown")
            continue
        meant[position] = [(shipment_id, event_key(doc)) for shipment_id in ids]
        for key in meant[position]:
            rows.setdefault(key, doc)
    fresh = _append(rows, actor=actor)
    for position, keys in meant.items():
        is_new = bool(fresh & set(keys))
        outcomes[position] = ParcelOutcome("accepted" if is_new else "unchanged", keys[0][0])
        fresh -= set(keys)
    if meant:
        _follow({shipment_id for keys in meant.values() for shipment_id, _ in keys}, actor=actor)
    return [outcomes[position] for position in range(len(docs))]


def _parcels(numbers: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """Shipment ids by (carrier, number); their orders, fulfilments and themselves locked."""
    known = sorted(numbers)
    keys = [[carrier for carrier, _ in known], [number for _, number in known]]
    match = "JOIN unnest(%s::text[], %s::text[]) AS k(c, n) ON (s.carrier, s.tracking_number) = (k.c, k.n)"
    fetch_all(
        f"""SELECT id FROM orders_order WHERE id IN (
              SELECT f.order_id FROM fulfillment_shipment s {match}
              JOIN fulfillment_fulfillment f ON f.id = s.fulfillment_id) ORDER BY id FOR NO KEY UPDATE""",
        keys,
    )
    rows = fetch_all(
        f"""SELECT s.carrier, s.tracking_number, s.id FROM fulfillment_shipment s {match}
            JOIN fulfillment_fulfillment f ON f.id = s.fulfillment_id
            ORDER BY f.id, s.id FOR NO KEY UPDATE OF f, s""",
        keys,
    )
    found: dict[tuple[str, str], list[int]] = {}
    for carrier, number, shipment_id in rows:
        found.setdefault((carrier, number), []).append(shipment_id)
    return found


def _append(rows: Mapping[tuple[int, bytes], TrackingDoc], *, actor: str) -> set[tuple[int, bytes]]:
    """Write the events that are new; their (shipment id, key)."""
    if not rows:
        return set()
    docs = list(rows.values())
    fresh = fetch_all(
        """WITH fresh AS (
             INSERT INTO fulfillment_trackingevent (shipment_id, key, kind, at, place, text, actor)
             SELECT e.*, %s
             FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::timestamptz[], %s::text[], %s::text[]) AS e
             ON CONFLICT (shipment_id, key) DO NOTHING RETURNING id, shipment_id, key, kind, at)
           SELECT n.shipment_id, n.key, n.kind, n.at, f.id, f.order_id FROM fresh n
           JOIN fulfillment_shipment s ON s.id = n.shipment_id
           JOIN fulfillment_fulfillment f ON f.id = s.fulfillment_id ORDER BY n.id""",
        [
            actor,
            [shipment_id for shipment_id, _ in rows],
            [key for _, key in rows],
            [doc.kind for doc in docs],
            [doc.at for doc in docs],
            [doc.place for doc in docs],
            [doc.text for doc in docs],
        ],
    )
    append(
        [
            NewEvent(
                TRACKED,
                str(shipment_id),
                {"order": order_id, "fulfillment": fulfillment_id, "kind": kind, "at": at.isoformat()},
            )
            for shipment_id, _, kind, at, fulfillment_id, order_id in fresh
        ]
    )
    return {(shipment_id, bytes(key)) for shipment_id, key, *_ in fresh}


def _follow(shipment_ids: Collection[int], *, actor: str) -> None:
    """Let parcels, their fulfilments and their orders stand where the events say that they are."""
    execute(
        """UPDATE fulfillment_shipment s
           SET status = coalesce(e.ended, e.latest, s.status), last_event_at = e.last_at, delivered_at = e.delivered_at
           FROM (SELECT shipment_id, max(at) AS last_at, min(at) FILTER (WHERE kind = 'delivered') AS delivered_at,
                        (array_agg(kind ORDER BY at DESC, id DESC)
                           FILTER (WHERE kind IN ('delivered', 'returned')))[1] AS ended,
                        (array_agg(kind ORDER BY at DESC, id DESC) FILTER (WHERE kind <> 'info'))[1] AS latest
                 FROM fulfillment_trackingevent WHERE shipment_id = ANY(%s) GROUP BY 1) e
           WHERE s.id = e.shipment_id""",
        [sorted(shipment_ids)],
    )
    arrived = fetch_all(
        """WITH arrived AS (
             SELECT s.fulfillment_id AS id, max(s.delivered_at) AS at FROM fulfillment_shipment s
             WHERE s.fulfillment_id IN (SELECT fulfillment_id FROM fulfillment_shipment WHERE id = ANY(%s))
             GROUP BY 1 HAVING bool_and(s.status = 'delivered')),
           moved AS (
             UPDATE fulfillment_fulfillment f SET status = 'delivered', delivered_at = a.at FROM arrived a
             WHERE f.id = a.id AND f.status = 'dispatched' RETURNING f.id, f.order_id)
           SELECT m.id, o.id, o.business_date FROM moved m JOIN orders_order o ON o.id = m.order_id ORDER BY m.id""",
        [sorted(shipment_ids)],
    )
    append([NewEvent(DELIVERED, str(i), {"order": order_id, "day": f"{day}"}) for i, order_id, day in arrived])
    whole = fetch_all(
        """SELECT o.id, max(f.delivered_at) FROM orders_order o JOIN fulfillment_fulfillment f ON f.order_id = o.id
           WHERE o.id = ANY(%s) AND o.status = 'dispatched' AND f.status NOT IN ('cancelled', 'rejected') GROUP BY 1
           HAVING bool_and(f.status = 'delivered')""",
        [sorted({order_id for _, order_id, _ in arrived})],
    )
    record_delivery(dict(whole), actor=actor)
