"""Quality inspections: what was found, and the goods that are off sale until somebody entitled decides (RET-08).

Locks the pools of the SKUs, then the open holds of these SKUs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from tongpan.access.actions import Note, audit, audit_many
from tongpan.core.bulk import as_json, execute, fetch_all, next_ids_of, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store, stored
from tongpan.inventory.engine import Delta
from tongpan.inventory.engine.inspecting import (
    InspectionDoc,
    InspectionOutcome,
    Judgement,
    QualityRules,
    check_doc,
    judge,
    rules_of,
)
from tongpan.inventory.events import INSPECTED
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools

RULES_KEY = "inventory.quality"
_INSPECTION = "inventory_inspection"
_HOLD = "inventory_qualityhold"
_MOVE = "inventory_qualityholdmove"
_MAX_REASON = 300


def quality_rules() -> QualityRules:
    """The checklist, sampling rule and scope in force."""
    return rules_of(stored(RULES_KEY))


def save_quality_rules(rules: QualityRules, *, actor: str, now: datetime) -> None:
    """Put ``rules`` in force for inspections from now on. Raises Refusal inspection.rules."""
    rules_of(rules.as_json())

    def run() -> None:
        store(RULES_KEY, rules.as_json())
        audit(actor, "inspection.rules_saved", "setting", RULES_KEY, rules.as_json(), now=now)

    run_in_transaction(run)


class _Taken(NamedTuple):
    """An inspection that goes in: its position, ids, and what it says of its lot."""

    position: int
    doc: InspectionDoc
    node_id: int
    sku_id: int
    found: Judgement


def inspect(
    docs: Sequence[InspectionDoc], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[InspectionOutcome]:
    """Write down what was found; units that failed leave the saleable stock at once, and a failed lot is held.

    Held means: what is free of the SKU at that node (everywhere, when the rules say so) waits in inspection, and so
    does what arrives later (``sweep_holds``), until ``decide_hold``. Units already promised to an order of that node
    stay with it. An inspection that was in before is unchanged; one that cannot be taken is refused on its own.
    nodes: ids of the nodes that the person may work at, None for all. The number of statements is constant.
    """
    return run_in_transaction(lambda: _inspect(docs, nodes, actor=actor, now=now))


def _inspect(
    docs: Sequence[InspectionDoc], nodes: Collection[int] | None, *, actor: str, now: datetime
) -> list[InspectionOutcome]:
    rules = quality_rules()
    outcomes: dict[int, InspectionOutcome] = {}
    taken = _judged(docs, rules, nodes, outcomes, now)
    execute("SELECT pg_advisory_xact_lock(hashtext('inventory.inspect'))")
    known = {
        (source, number): (inspection_id, passed, said)
        for inspection_id, source, number, passed, *said in fetch_all(
            f"""SELECT i.id, i.source, i.number, i.passed, i.sku_id, i.node_id, i.lot, i.failed
                FROM unnest(%s::text[], %s::text[]) AS k(source, number) JOIN {_INSPECTION} i USING (source, number)""",
            [[one.doc.source for one in taken], [one.doc.number for one in taken]],
        )
    }
    fresh: dict[tuple[str, str], _Taken] = {}
    again: list[_Taken] = []
    for one in taken:
        key = (one.doc.source, one.doc.number)
        if key in known or key in fresh:
            again.append(one)
        else:
            fresh[key] = one
    ids = _book(list(fresh.values()), rules, outcomes, actor=actor, now=now)
    for key, one in fresh.items():
        known[key] = (ids[one.position], one.found.passed, [one.sku_id, one.node_id, one.doc.lot, one.found.failed])
    for one in again:
        inspection_id, passed, said = known[one.doc.source, one.doc.number]
        if said == [one.sku_id, one.node_id, one.doc.lot, one.found.failed]:
            outcomes[one.position] = InspectionOutcome("unchanged", inspection_id, passed)
        else:
            outcomes[one.position] = InspectionOutcome(
                "refused",
                inspection_id,
                code="inspection.conflict",
                reason=f"Inspection {one.doc.number} of {one.doc.source} is in with other content; use a new number.",
            )
    return [outcomes[position] for position in range(len(docs))]


def _judged(
    docs: Sequence[InspectionDoc],
    rules: QualityRules,
    nodes: Collection[int] | None,
    outcomes: dict[int, InspectionOutcome],
    now: datetime,
) -> list[_Taken]:
    places: dict[str, tuple[int, bool]] = {
        code: (node_id, tracks)
        for code, node_id, tracks in fetch_all(
            "SELECT code, id, tracks_stock FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'",
            [[doc.node_code for doc in docs if doc.node_code.isprintable()]],
        )
    }
    skus: dict[str, int] = dict(
        fetch_all(
            "SELECT code, id FROM catalog_sku WHERE code = ANY(%s)",
            [[doc.sku_code for doc in docs if doc.sku_code.isprintable()]],
        )
    )
    taken = []
    for position, doc in enumerate(docs):
        try:
            check_doc(doc, now)
            node_id, tracks = places.get(doc.node_code, (0, False))
            if not tracks:
                raise Refusal("inspection.node", f"There is no node {doc.node_code!r} that keeps a book of stock.")
            if nodes is not None and node_id not in nodes:
                raise Refusal("inspection.elsewhere", f"You do not work at node {doc.node_code}.")
            if doc.sku_code not in skus:
                raise Refusal("inspection.sku", f"There is no SKU {doc.sku_code!r}.")
            taken.append(_Taken(position, doc, node_id, skus[doc.sku_code], judge(rules, doc)))
        except Refusal as refusal:
            outcomes[position] = InspectionOutcome("refused", code=refusal.code, reason=refusal.sentence)
    return taken


def _book(
    taken: Sequence[_Taken],
    rules: QualityRules,
    outcomes: dict[int, InspectionOutcome],
    *,
    actor: str,
    now: datetime,
) -> dict[int, int]:
    """Write the inspections and move their units; ids by position."""
    if not taken:
        return {}
    free = _Free({one.sku_id for one in taken})
    ids = dict(zip((one.position for one in taken), next_ids_of({_INSPECTION: len(taken)})[_INSPECTION], strict=True))
    moved = {one.position: free.take(one.sku_id, one.node_id, one.found.failed) for one in taken}
    deltas = []
    for one in taken:
        if units := moved[one.position]:
            cause, words = ids[one.position], f"inspection {one.doc.number}"
            for bucket, qty in (("saleable", -units), ("damaged", units)):
                deltas.append(
                    Delta(one.sku_id, one.node_id, bucket, "checked", qty, 0, 0, "inspection", cause, now, words)
                )
    failed = [one for one in taken if not one.found.passed]
    holds = _open_holds(
        {(one.sku_id, one.node_id if rules.scope == "node" else None) for one in failed}, actor=actor, now=now
    )
    swept, units_held = _sweep(holds, free, now)
    _write(taken, ids=ids, moved=moved, holds=holds, rules=rules, actor=actor)
    post(deltas + swept, actor=actor)
    for one in taken:
        hold_id = holds.get((one.sku_id, one.node_id if rules.scope == "node" else None))
        outcomes[one.position] = InspectionOutcome(
            "accepted",
            ids[one.position],
            one.found.passed,
            moved[one.position],
            0 if one.found.passed or hold_id is None else units_held.get(hold_id, 0),
        )
    audit_many(
        [
            Note("inspection.recorded", "inspection", str(ids[one.position]), {"passed": one.found.passed})
            for one in taken
        ],
        actor=actor,
        now=now,
    )
    append(
        [
            NewEvent(
                INSPECTED, str(ids[one.position]), {"sku": one.sku_id, "node": one.node_id, "passed": one.found.passed}
            )
            for one in taken
        ]
    )
    return ids


def _write(
    taken: Sequence[_Taken],
    *,
    ids: Mapping[int, int],
    moved: Mapping[int, int],
    holds: Mapping[tuple[int, int | None], int],
    rules: QualityRules,
    actor: str,
) -> None:
    names = {check.code: check for check in rules.checks}
    rows = []
    for one in taken:
        doc, found = one.doc, one.found
        results = [
            {
                "code": result.code,
                "name": names[result.code].name,
                "critical": names[result.code].is_critical,
                "failed": result.failed,
                "note": result.note,
            }
            for result in doc.checks
        ]
        key = (one.sku_id, one.node_id if rules.scope == "node" else None)
        rows.append(
            {
                "id": ids[one.position],
                "source": doc.source,
                "number": doc.number,
                "kind": doc.kind,
                "node_id": one.node_id,
                "sku_id": one.sku_id,
                "supplier": doc.supplier,
                "reference": doc.reference,
                "rule": found.rule,
                "lot": doc.lot,
                "sample": found.sample,
                "accepted": found.accepted,
                "failed": found.failed,
                "results": results,
                "photos": list(doc.photos),
                "note": doc.note,
                "passed": found.passed,
                "moved": moved[one.position],
                "hold_id": None if found.passed else holds[key],
                "inspector": actor,
                "inspected_at": doc.inspected_at.isoformat(),
                "is_simulated": doc.is_simulated,
            }
        )
    columns = ", ".join(rows[0])
    execute(
        f"""INSERT INTO {_INSPECTION} ({columns})
            SELECT {columns} FROM jsonb_populate_recordset(NULL::{_INSPECTION}, %s::jsonb) ORDER BY id""",
        [as_json(rows)],
    )


class _Free:
    """The units of these SKUs that may be taken off sale: free at the node, and not promised by the pool.

    Locks the pools of the SKUs until the end of the transaction.
    """

    def __init__(self, sku_ids: Collection[int]) -> None:
        self.pools = lock_pools(sku_ids)
        self.levels: dict[tuple[int, int], int] = {
            (sku_id, node_id): units
            for sku_id, node_id, units in fetch_all(
                """SELECT sku_id, node_id, on_hand - allocated FROM inventory_level
                   WHERE sku_id = ANY(%s::bigint[]) AND bucket = 'saleable' ORDER BY sku_id, node_id""",
                [whole_numbers(sorted(set(sku_ids)))],
            )
        }

    def take(self, sku_id: int, node_id: int, most: int) -> int:
        """At most ``most`` units; how many."""
        units = max(0, min(most, self.levels.get((sku_id, node_id), 0), self.pools[sku_id]))
        if units:
            self.levels[sku_id, node_id] -= units
            self.pools[sku_id] -= units
        return units


def _open_holds(
    keys: Collection[tuple[int, int | None]], *, actor: str, now: datetime
) -> dict[tuple[int, int | None], int]:
    """The open hold of each (SKU id, node id or None), made when there is none. The caller holds the pools."""
    if not keys:
        return {}
    ordered = sorted(keys, key=lambda key: (key[0], key[1] or 0))
    given = [[sku_id for sku_id, _ in ordered], [node_id for _, node_id in ordered]]
    execute(
        f"""INSERT INTO {_HOLD} (sku_id, node_id, opened_at, opened_by, decision, reason, decided_by)
            SELECT k.sku_id, k.node_id, %s, %s, '', '', '' FROM unnest(%s::bigint[], %s::bigint[]) AS k(sku_id, node_id)
            ON CONFLICT DO NOTHING""",
        [now, actor, *given],
    )
    rows = fetch_all(
        f"""SELECT h.sku_id, h.node_id, h.id
            FROM {_HOLD} h JOIN unnest(%s::bigint[], %s::bigint[]) AS k(sku_id, node_id)
            ON h.sku_id = k.sku_id AND h.node_id IS NOT DISTINCT FROM k.node_id WHERE h.decided_at IS NULL""",
        given,
    )
    return {(sku_id, node_id): hold_id for sku_id, node_id, hold_id in rows}


def _sweep(
    holds: Mapping[tuple[int, int | None], int], free: _Free, now: datetime
) -> tuple[list[Delta], dict[int, int]]:
    """The movements that take what is free under ``holds`` off sale, and the units by hold; writes the moves down."""
    moves: list[tuple[int, int, int, int]] = []
    for (sku_id, node_id), hold_id in holds.items():
        places = [node_id] if node_id is not None else sorted(place for sku, place in free.levels if sku == sku_id)
        for place in places:
            if units := free.take(sku_id, place, free.levels.get((sku_id, place), 0)):
                moves.append((hold_id, sku_id, place, units))
    if not moves:
        return [], {}
    ids = next_ids_of({_MOVE: len(moves)})[_MOVE]
    execute(
        f"""INSERT INTO {_MOVE} (id, hold_id, node_id, qty, moved_at)
            SELECT k.*, %s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k""",
        [now, ids, [m[0] for m in moves], [m[2] for m in moves], [m[3] for m in moves]],
    )
    held: dict[int, int] = defaultdict(int)
    deltas = []
    for move_id, (hold_id, sku_id, node_id, units) in zip(ids, moves, strict=True):
        held[hold_id] += units
        for bucket, qty in (("saleable", -units), ("inspection", units)):
            deltas.append(
                Delta(sku_id, node_id, bucket, "checked", qty, 0, 0, "quality_hold", move_id, now, f"hold {hold_id}")
            )
    return deltas, dict(held)


def sweep_holds(sku_ids: Collection[int], *, now: datetime) -> int:
    """Take what came on sale of SKUs that are held off sale again; the units. For the reader of stock."""

    def run() -> int:
        if not sku_ids:
            return 0
        wanted = whole_numbers(sorted(set(sku_ids)))
        found = f"SELECT sku_id, node_id, id FROM {_HOLD} WHERE decided_at IS NULL AND sku_id = ANY(%s::bigint[])"
        if not fetch_all(found, [wanted]):
            return 0
        free = _Free(sku_ids)
        # Only now nobody can decide on them.
        holds = {(sku_id, node_id): hold_id for sku_id, node_id, hold_id in fetch_all(found, [wanted])}
        deltas, held = _sweep(holds, free, now)
        post(deltas, actor="system")
        return sum(held.values())

    return run_in_transaction(run)


def decide_hold(
    hold_id: int, decision: Literal["released", "condemned"], *, reason: str, actor: str, now: datetime
) -> int:
    """End a hold: its units go back on sale, or to the damaged; how many.

    The caller has checked that the actor may ("stock.approve"). Units that were counted or adjusted away meanwhile
    are not there to move. Raises Refusal hold.unknown, hold.decided, hold.decision, hold.reason, hold.own (whoever
    inspected the lot does not release it).
    """
    if decision not in ("released", "condemned"):
        raise Refusal("hold.decision", "Goods on hold are released or condemned.")
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise Refusal("hold.reason", f"Say in up to {_MAX_REASON} characters why the goods may be sold, or may not.")

    def run() -> int:
        rows = fetch_all(f"SELECT sku_id FROM {_HOLD} WHERE id = %s", [hold_id])
        if not rows:
            raise Refusal("hold.unknown", f"There is no hold {hold_id}.")
        sku_id = rows[0][0]
        lock_pools({sku_id})
        if not execute(
            f"""UPDATE {_HOLD} SET decision = %s, reason = %s, decided_by = %s, decided_at = %s
                WHERE id = %s AND decided_at IS NULL""",
            [decision, reason.strip(), actor, now, hold_id],
        ):
            raise Refusal("hold.decided", f"Hold {hold_id} is decided already.")
        inspectors = fetch_all(f"SELECT DISTINCT inspector FROM {_INSPECTION} WHERE hold_id = %s", [hold_id])
        if decision == "released" and (actor,) in inspectors:
            raise Refusal("hold.own", "Whoever inspected the lot cannot release it; ask another person.")
        units = 0
        deltas = []
        for node_id, qty, on_hand in fetch_all(
            f"""SELECT m.node_id, sum(m.qty)::bigint, coalesce(max(l.on_hand - l.allocated), 0)::bigint
                FROM {_MOVE} m LEFT JOIN inventory_level l
                     ON (l.sku_id, l.node_id, l.bucket) = (%s, m.node_id, 'inspection')
                WHERE m.hold_id = %s GROUP BY m.node_id ORDER BY m.node_id""",
            [sku_id, hold_id],
        ):
            there = min(qty, on_hand)
            units += there
            target = "saleable" if decision == "released" else "damaged"
            for bucket, change in (("inspection", -there), (target, there)):
                deltas.append(
                    Delta(sku_id, node_id, bucket, "checked", change, 0, 0, "hold_decision", hold_id, now, reason)
                )
        post(deltas, actor=actor)
        audit(actor, f"hold.{decision}", "quality_hold", str(hold_id), {"units": units}, now=now)
        return units

    return run_in_transaction(run)
