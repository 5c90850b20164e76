"""Writes of counts: opened, counted by several people, handed in, approved by another person, booked.

Locks the sheet (shared by those who count, alone by whoever closes it), then the pools of its SKUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from tongpan.access.actions import Note, audit, audit_many
from tongpan.core.bulk import copy_rows, execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store
from tongpan.inventory.counts import RULES_KEY, count_rules
from tongpan.inventory.engine import BUCKETS, Delta
from tongpan.inventory.engine.counting import (
    CountedLine,
    CountOutcome,
    CountRules,
    Found,
    SheetDoc,
    bookable,
    found_refusal,
    needs_approval,
    rules_problem,
    sheet_refusal,
)
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools

_MAX_REASON = 300


def save_count_rules(rules: CountRules, *, actor: str, now: datetime) -> None:
    """Put ``rules`` in force. Raises Refusal count.rules."""
    if problem := rules_problem(rules):
        raise Refusal("count.rules", problem)

    def run() -> None:
        store(RULES_KEY, rules.as_json())
        audit(actor, "count.rules_saved", "setting", RULES_KEY, rules.as_json(), now=now)

    run_in_transaction(run)


def open_counts(docs: Sequence[SheetDoc], *, actor: str, now: datetime) -> list[CountOutcome]:
    """Open a sheet of each of ``docs`` with the book of this instant. A sheet that is there already is unchanged."""
    return run_in_transaction(lambda: _open(docs, actor=actor, now=now))


def _open(docs: Sequence[SheetDoc], *, actor: str, now: datetime) -> list[CountOutcome]:
    nodes = fetch_all(
        "SELECT code, id, tracks_stock FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'",
        [[doc.node_code for doc in docs if doc.node_code.isprintable()]],
    )
    places = {code: tracks for code, _, tracks in nodes}
    node_ids = {code: node_id for code, node_id, _ in nodes}
    codes = sorted({code for doc in docs for code in doc.sku_codes if code.isprintable()})
    known = {code for (code,) in fetch_all("SELECT code FROM catalog_sku WHERE code = ANY(%s)", [codes])}
    outcomes = [sheet_refusal(doc, places, known) for doc in docs]
    good = {(doc.source, doc.number): doc for doc, refused in zip(docs, outcomes, strict=True) if not refused}
    ordered = [good[key] for key in sorted(good)]
    made = {
        (source, number): sheet_id
        for sheet_id, source, number in fetch_all(
            """INSERT INTO inventory_countsheet (source, number, node_id, kind, is_blind, state, note, reason,
                                                 created_by, snapshot_at, submitted_by, approved_by, is_simulated)
               SELECT d.source, d.number, d.node_id, d.kind, d.is_blind, 'open', d.note, '', %s, %s, '', '',
                      d.is_simulated
               FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::bool[], %s::text[], %s::bool[])
                    AS d(source, number, node_id, kind, is_blind, note, is_simulated)
               ON CONFLICT DO NOTHING RETURNING id, source, number""",
            [
                actor,
                now,
                [doc.source for doc in ordered],
                [doc.number for doc in ordered],
                [node_ids[doc.node_code] for doc in ordered],
                [doc.kind for doc in ordered],
                [doc.is_blind for doc in ordered],
                [doc.note for doc in ordered],
                [doc.is_simulated for doc in ordered],
            ],
        )
    }
    _fill(list(made.values()), [(made[key], code) for key in made for code in dict.fromkeys(good[key].sku_codes)])
    audit_many([Note("count.opened", "count", str(i)) for i in made.values()], actor=actor, now=now)
    stored = {
        (source, number): sheet_id
        for source, number, sheet_id in fetch_all(
            """SELECT s.source, s.number, s.id FROM unnest(%s::text[], %s::text[]) AS k(source, number)
               JOIN inventory_countsheet s USING (source, number)""",
            [[key[0] for key in good], [key[1] for key in good]],
        )
    }
    answers = []
    for doc, refused in zip(docs, outcomes, strict=True):
        key = (doc.source, doc.number)
        is_new = made.pop(key, None) is not None
        answers.append(refused or CountOutcome("accepted" if is_new else "unchanged", stored[key]))
    return answers


def _fill(sheet_ids: Sequence[int], named: Sequence[tuple[int, str]]) -> None:
    """The lines of new sheets: of full ones every level that is not empty, of others the SKUs that are ``named``."""
    execute(
        """INSERT INTO inventory_countline (sheet_id, line_no, sku_id, bucket, book, counted_by)
           SELECT w.sheet_id, row_number() OVER (PARTITION BY w.sheet_id ORDER BY w.code, w.bucket), w.sku_id, w.bucket,
                  w.book, ''
           FROM (SELECT s.id AS sheet_id, l.sku_id, l.bucket, l.on_hand AS book, k.code
                 FROM inventory_countsheet s JOIN inventory_level l ON l.node_id = s.node_id
                 JOIN catalog_sku k ON k.id = l.sku_id
                 WHERE s.id = ANY(%s) AND s.kind = 'full' AND l.on_hand <> 0
                 UNION ALL
                 SELECT s.id, k.id, 'saleable', coalesce(l.on_hand, 0), k.code
                 FROM unnest(%s::bigint[], %s::text[]) AS n(sheet_id, code)
                 JOIN inventory_countsheet s ON s.id = n.sheet_id AND s.kind = 'cycle'
                 JOIN catalog_sku k ON k.code = n.code
                 LEFT JOIN inventory_level l ON (l.sku_id, l.node_id, l.bucket) = (k.id, s.node_id, 'saleable')) w""",
        [list(sheet_ids), [sheet_id for sheet_id, _ in named], [code for _, code in named]],
    )


def enter_counts(
    sheet_id: int, found: Sequence[Found], *, actor: str, now: datetime, counted_at: datetime | None = None
) -> list[CountOutcome]:
    """Enter what was found, at ``counted_at`` (now without it); SKUs that are not on the sheet are added to it.

    Several people may enter at once. What the book held at that instant is kept beside it, so that goods that moved
    before or after are no difference. Statements do not grow with the entries.
    """
    at = counted_at or now
    return run_in_transaction(lambda: _enter(sheet_id, found, at, actor=actor))


def _enter(sheet_id: int, found: Sequence[Found], at: datetime, *, actor: str) -> list[CountOutcome]:
    sheet = _sheet(sheet_id, "FOR SHARE")
    if refused := _not_in(sheet, sheet_id, "open", "counted"):
        return [refused] * len(found)
    skus = dict(
        fetch_all(
            "SELECT code, id FROM catalog_sku WHERE code = ANY(%s)",
            [[one.sku_code for one in found if one.sku_code.isprintable()]],
        )
    )
    outcomes = [found_refusal(one, skus, sheet_id) for one in found]
    good = [one for one, refused in zip(found, outcomes, strict=True) if not refused]
    keys = [(skus[one.sku_code], one.bucket) for one in good]
    lines = _lines_for(sheet_id, sorted(set(keys)))
    taken = set(
        fetch_all(
            "SELECT line_id, key FROM inventory_countentry WHERE line_id = ANY(%s) AND key = ANY(%s)",
            [list(lines.values()), [one.key for one in good if one.key]],
        )
    )
    changes: dict[int, tuple[int, bool]] = {}
    entries = []
    answers = iter(zip(good, keys, strict=True))
    for position, refused in enumerate(outcomes):
        if refused:
            continue
        one, key = next(answers)
        line_id = lines[key]
        if one.key and (line_id, one.key) in taken:
            outcomes[position] = CountOutcome("unchanged", sheet_id)
            continue
        taken.add((line_id, one.key))
        before, adds = changes.get(line_id, (0, True))
        changes[line_id] = (before + one.qty, adds) if one.is_more else (one.qty, False)
        entries.append((line_id, one.qty, one.is_more, actor, at, one.key))
        outcomes[position] = CountOutcome("accepted", sheet_id)
    ordered = sorted(changes)
    execute(
        """WITH k AS (
             SELECT n.line_id, n.qty, n.is_more, l.sku_id, l.bucket, s.node_id
             FROM unnest(%(lines)s::bigint[], %(units)s::bigint[], %(more)s::bool[]) AS n(line_id, qty, is_more)
             JOIN inventory_countline l ON l.id = n.line_id JOIN inventory_countsheet s ON s.id = l.sheet_id
             ORDER BY n.line_id FOR NO KEY UPDATE OF l),
           later AS (
             SELECT k.line_id, sum(m.on_hand_delta)::bigint AS units FROM k JOIN inventory_movement m
               ON m.sku_id = k.sku_id AND m.node_id = k.node_id AND m.bucket = k.bucket AND m.occurred_at > %(at)s
             GROUP BY 1)
           UPDATE inventory_countline l
           SET counted = k.qty + CASE WHEN k.is_more THEN coalesce(l.counted, 0) ELSE 0 END,
               expected = coalesce(v.on_hand, 0) - coalesce(later.units, 0), counted_by = %(actor)s, counted_at = %(at)s
           FROM k LEFT JOIN inventory_level v ON (v.sku_id, v.node_id, v.bucket) = (k.sku_id, k.node_id, k.bucket)
           LEFT JOIN later ON later.line_id = k.line_id
           WHERE l.id = k.line_id""",
        {
            "lines": whole_numbers(ordered),
            "units": whole_numbers(changes[i][0] for i in ordered),
            "more": [changes[i][1] for i in ordered],
            "actor": actor,
            "at": at,
        },
    )
    copy_rows("inventory_countentry", ("line_id", "qty", "is_more", "entered_by", "counted_at", "key"), entries)
    return [outcome or CountOutcome("accepted", sheet_id) for outcome in outcomes]


def _lines_for(sheet_id: int, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Line ids by (SKU id, bucket); those that are not on the sheet are added behind its last line."""
    arguments = [sheet_id, whole_numbers(sku_id for sku_id, _ in keys), [bucket for _, bucket in keys]]
    find = """SELECT l.sku_id, l.bucket, l.id FROM unnest(%s::bigint[], %s::text[]) AS k(sku_id, bucket)
              JOIN inventory_countline l USING (sku_id, bucket) WHERE l.sheet_id = %s"""
    rows = fetch_all(find, [*arguments[1:], sheet_id])
    if len(rows) < len(keys):
        # Two people may find the same new SKU at once: they number lines one after the other.
        fetch_all("SELECT pg_advisory_xact_lock(hashtext('inventory_countline'), %s)", [sheet_id % 2**31])
        execute(
            """INSERT INTO inventory_countline (sheet_id, line_no, sku_id, bucket, book, counted_by)
               SELECT s.id, (SELECT coalesce(max(line_no), 0) FROM inventory_countline WHERE sheet_id = s.id)
                            + row_number() OVER (ORDER BY k.sku_id, k.bucket), k.sku_id, k.bucket, 0, ''
               FROM inventory_countsheet s CROSS JOIN unnest(%s::bigint[], %s::text[]) AS k(sku_id, bucket)
               WHERE s.id = %s AND NOT EXISTS (SELECT FROM inventory_countline l WHERE l.sheet_id = s.id
                                               AND (l.sku_id, l.bucket) = (k.sku_id, k.bucket))
               ON CONFLICT DO NOTHING""",
            [*arguments[1:], sheet_id],
        )
        rows = fetch_all(find, [*arguments[1:], sheet_id])
    return {(sku_id, bucket): line_id for sku_id, bucket, line_id in rows}


def submit_count(
    sheet_id: int, *, reason: str = "", uncounted: Literal["leave", "zero"] = "leave", actor: str, now: datetime
) -> CountOutcome:
    """Hand a sheet in. Within the tolerance of the rules it is booked at once; otherwise it waits for another person.

    uncounted: lines that nobody counted are left as they are, or were found empty.
    """

    def run() -> CountOutcome:
        sheet = _sheet(sheet_id, "FOR NO KEY UPDATE")
        if sheet and sheet.state in ("submitted", "booked"):
            return CountOutcome("unchanged", sheet_id)
        if refused := _not_in(sheet, sheet_id, "open", "handed in"):
            return refused
        if uncounted == "zero":
            empty = fetch_all(
                """SELECT k.code, l.bucket FROM inventory_countline l JOIN catalog_sku k ON k.id = l.sku_id
                   WHERE l.sheet_id = %s AND l.counted IS NULL""",
                [sheet_id],
            )
            _enter(sheet_id, [Found(code, 0, bucket) for code, bucket in empty if bucket in BUCKETS], now, actor=actor)
        lines = _counted(sheet_id)
        if not lines:
            return CountOutcome("refused", sheet_id, "Nothing has been counted on this sheet yet.", "count.nothing")
        if len(reason) > _MAX_REASON or not reason.isprintable():
            return CountOutcome(
                "refused", sheet_id, f"The reason has more than {_MAX_REASON} characters.", "count.text"
            )
        waits = needs_approval(lines, count_rules())
        if waits and not reason.strip():
            return CountOutcome(
                "refused",
                sheet_id,
                "More units are off than the tolerance forgives: say why before somebody else approves it.",
                "count.reason",
            )
        execute(
            """UPDATE inventory_countsheet SET state = 'submitted', submitted_by = %s, submitted_at = %s, reason = %s
               WHERE id = %s""",
            [actor, now, reason, sheet_id],
        )
        audit(actor, "count.submitted", "count", str(sheet_id), {"waits": waits}, now=now)
        if not waits:
            _book(sheet_id, lines, reason, actor=actor, now=now)
        return CountOutcome("accepted", sheet_id)

    return run_in_transaction(run)


def approve_count(sheet_id: int, *, actor: str, now: datetime) -> CountOutcome:
    """Book what a sheet found. Refused for those who counted or handed it in: four eyes see more than two.

    The caller has checked that the actor may approve ("stock.approve").
    """

    def run() -> CountOutcome:
        sheet = _sheet(sheet_id, "FOR NO KEY UPDATE")
        if sheet and sheet.state == "booked":
            return CountOutcome("unchanged", sheet_id)
        if refused := _not_in(sheet, sheet_id, "submitted", "approved"):
            return refused
        counters = {
            by
            for (by,) in fetch_all(
                """SELECT e.entered_by FROM inventory_countentry e JOIN inventory_countline l ON l.id = e.line_id
                   WHERE l.sheet_id = %s GROUP BY 1
                   UNION SELECT submitted_by FROM inventory_countsheet WHERE id = %s""",
                [sheet_id, sheet_id],
            )
        }
        if actor in counters:
            return CountOutcome(
                "refused",
                sheet_id,
                "Whoever counted or handed in a sheet cannot approve it; ask another person.",
                "count.own",
            )
        _book(sheet_id, _counted(sheet_id), sheet.reason if sheet else "", actor=actor, now=now)
        return CountOutcome("accepted", sheet_id)

    return run_in_transaction(run)


def send_back_count(sheet_id: int, *, reason: str, actor: str, now: datetime) -> CountOutcome:
    """Have the lines of a sheet that differ from the book counted once more."""

    def run() -> CountOutcome:
        sheet = _sheet(sheet_id, "FOR NO KEY UPDATE")
        if refused := _not_in(sheet, sheet_id, "submitted", "sent back"):
            return refused
        execute(
            """UPDATE inventory_countline SET counted = NULL, expected = NULL, counted_by = '', counted_at = NULL
               WHERE sheet_id = %s AND counted IS NOT NULL AND counted <> expected""",
            [sheet_id],
        )
        execute("UPDATE inventory_countsheet SET state = 'open', reason = %s WHERE id = %s", [reason, sheet_id])
        audit(actor, "count.sent_back", "count", str(sheet_id), {"reason": reason}, now=now)
        return CountOutcome("accepted", sheet_id)

    return run_in_transaction(run)


def cancel_count(sheet_id: int, *, reason: str, actor: str, now: datetime) -> CountOutcome:
    """Give a sheet up; nothing is booked."""

    def run() -> CountOutcome:
        sheet = _sheet(sheet_id, "FOR NO KEY UPDATE")
        if sheet and sheet.state == "cancelled":
            return CountOutcome("unchanged", sheet_id)
        if sheet and sheet.state != "submitted" and (refused := _not_in(sheet, sheet_id, "open", "cancelled")):
            return refused
        if sheet is None:
            return _unknown(sheet_id)
        execute("UPDATE inventory_countsheet SET state = 'cancelled', reason = %s WHERE id = %s", [reason, sheet_id])
        audit(actor, "count.cancelled", "count", str(sheet_id), {"reason": reason}, now=now)
        return CountOutcome("accepted", sheet_id)

    return run_in_transaction(run)


class _Sheet(NamedTuple):
    number: str
    state: str
    node_id: int
    reason: str


def _sheet(sheet_id: int, lock: str) -> _Sheet | None:
    rows = fetch_all(
        f"SELECT number, state, node_id, reason FROM inventory_countsheet WHERE id = %s {lock}", [sheet_id]
    )
    return _Sheet(*rows[0]) if rows else None


def _unknown(sheet_id: int) -> CountOutcome:
    return CountOutcome("refused", None, f"There is no count {sheet_id}.", "count.unknown")


def _not_in(sheet: _Sheet | None, sheet_id: int, state: str, done: str) -> CountOutcome | None:
    if sheet is None:
        return _unknown(sheet_id)
    if sheet.state == state:
        return None
    return CountOutcome(
        "refused", sheet_id, f"Count {sheet.number} is {sheet.state}; it cannot be {done} now.", "count.state"
    )


def _counted(sheet_id: int) -> list[CountedLine]:
    rows = fetch_all(
        """SELECT l.line_no, l.sku_id, s.code, l.bucket, l.counted, l.expected
           FROM inventory_countline l JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.sheet_id = %s AND l.counted IS NOT NULL ORDER BY l.line_no""",
        [sheet_id],
    )
    return [CountedLine(*row) for row in rows]


def _book(sheet_id: int, lines: Sequence[CountedLine], reason: str, *, actor: str, now: datetime) -> None:
    """Book the differences of a sheet and close it. What is promised to orders stays; the rest is left open."""
    [(node_id,)] = fetch_all("SELECT node_id FROM inventory_countsheet WHERE id = %s", [sheet_id])
    off = [line for line in lines if line.variance]
    pools = lock_pools({line.sku_id for line in off})
    levels = {
        (sku_id, bucket): (on_hand, allocated)
        for sku_id, bucket, on_hand, allocated in fetch_all(
            """SELECT sku_id, bucket, on_hand, allocated FROM inventory_level
               WHERE node_id = %s AND sku_id = ANY(%s::bigint[])""",
            [node_id, whole_numbers(line.sku_id for line in off)],
        )
    }
    deltas, applied = [], dict.fromkeys((line.line_no for line in lines), 0)
    for line in off:
        on_hand, allocated = levels.get((line.sku_id, line.bucket), (0, 0))
        is_pooled = line.bucket == "saleable"
        change = bookable(line.variance, on_hand, allocated, pools[line.sku_id] if is_pooled else None)
        if is_pooled:
            pools[line.sku_id] += change
        applied[line.line_no] = change
        deltas.append(
            Delta(line.sku_id, node_id, line.bucket, "counted", change, 0, 0, "count_sheet", sheet_id, now, reason)
        )
    post(deltas, actor=actor)
    execute(
        """UPDATE inventory_countline l SET applied = k.applied
           FROM unnest(%s::bigint[], %s::bigint[]) AS k(line_no, applied)
           WHERE l.sheet_id = %s AND l.line_no = k.line_no""",
        [whole_numbers(applied), whole_numbers(applied.values()), sheet_id],
    )
    execute(
        "UPDATE inventory_countsheet SET state = 'booked', booked_at = %s, approved_by = %s WHERE id = %s",
        [now, actor, sheet_id],
    )
    audit(actor, "count.booked", "count", str(sheet_id), {"lines": len(lines), "changed": len(deltas)}, now=now)
