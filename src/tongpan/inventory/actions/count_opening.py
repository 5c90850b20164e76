"""Opening counts, and the rules that counts go by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit, audit_many
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store
from tongpan.inventory.counts import RULES_KEY
from tongpan.inventory.engine.counting import CountOutcome, CountRules, SheetDoc, rules_problem, sheet_refusal


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
