"""Entering what was found, by several people at once. Shares the sheet's lock with others who count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.core.bulk import copy_rows, execute, fetch_all, whole_numbers
from tongpan.core.races import run_in_transaction
from tongpan.inventory.actions.count_sheets import lock_sheet, not_in
from tongpan.inventory.engine.counting import CountOutcome, Found, found_refusal


def enter_counts(
    sheet_id: int,
    found: Sequence[Found],
    *,
    actor: str,
    now: datetime,
    counted_at: datetime | None = None,
    nodes: Collection[int] | None = None,
) -> list[CountOutcome]:
    """Enter what was found, at ``counted_at`` (now without it); SKUs that are not on the sheet are added to it.

    Several people may enter at once. What the book held at that instant is kept beside it, so that goods that moved
    before or after are no difference. nodes: the ids of the nodes that the person may count at, None for all.
    Statements do not grow with the entries.
    """
    at = counted_at or now
    return run_in_transaction(lambda: enter(sheet_id, found, at, actor=actor, nodes=nodes))


def enter(
    sheet_id: int, found: Sequence[Found], at: datetime, *, actor: str, nodes: Collection[int] | None = None
) -> list[CountOutcome]:
    """As ``enter_counts``, inside a transaction of the caller."""
    sheet = lock_sheet(sheet_id, "FOR SHARE")
    if sheet and nodes is not None and sheet.node_id not in nodes:
        sentence = f"Count {sheet.number} is at a node that you do not work at."
        return [CountOutcome("refused", sheet_id, sentence, "count.elsewhere")] * len(found)
    if refused := not_in(sheet, sheet_id, "open", "counted"):
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
