"""Handing counts in, approving them with a second pair of eyes, sending them back, and booking what they found.

Holds the sheet alone, then the pools of its SKUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from tongpan.access.actions import audit
from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.inventory.actions.count_sheets import lock_sheet, not_in, unknown
from tongpan.inventory.actions.counting import enter
from tongpan.inventory.counts import count_rules
from tongpan.inventory.engine import BUCKETS, Delta
from tongpan.inventory.engine.counting import CountedLine, CountOutcome, Found, bookable, needs_approval
from tongpan.inventory.events import COUNT_BOOKED
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools

_MAX_REASON = 300


def submit_count(
    sheet_id: int, *, reason: str = "", uncounted: Literal["leave", "zero"] = "leave", actor: str, now: datetime
) -> CountOutcome:
    """Hand a sheet in. Within the tolerance of the rules it is booked at once; otherwise it waits for another person.

    uncounted: lines that nobody counted are left as they are, or were found empty.
    """

    def run() -> CountOutcome:
        sheet = lock_sheet(sheet_id, "FOR NO KEY UPDATE")
        if sheet and sheet.state in ("submitted", "booked"):
            return CountOutcome("unchanged", sheet_id)
        if refused := not_in(sheet, sheet_id, "open", "handed in"):
            return refused
        if uncounted == "zero":
            empty = fetch_all(
                """SELECT k.code, l.bucket FROM inventory_countline l JOIN catalog_sku k ON k.id = l.sku_id
                   WHERE l.sheet_id = %s AND l.counted IS NULL""",
                [sheet_id],
            )
            enter(sheet_id, [Found(code, 0, bucket) for code, bucket in empty if bucket in BUCKETS], now, actor=actor)
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
        sheet = lock_sheet(sheet_id, "FOR NO KEY UPDATE")
        if sheet and sheet.state == "booked":
            return CountOutcome("unchanged", sheet_id)
        if refused := not_in(sheet, sheet_id, "submitted", "approved"):
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
        sheet = lock_sheet(sheet_id, "FOR NO KEY UPDATE")
        if refused := not_in(sheet, sheet_id, "submitted", "sent back"):
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
        sheet = lock_sheet(sheet_id, "FOR NO KEY UPDATE")
        if sheet and sheet.state == "cancelled":
            return CountOutcome("unchanged", sheet_id)
        if sheet and sheet.state != "submitted" and (refused := not_in(sheet, sheet_id, "open", "cancelled")):
            return refused
        if sheet is None:
            return unknown(sheet_id)
        execute("UPDATE inventory_countsheet SET state = 'cancelled', reason = %s WHERE id = %s", [reason, sheet_id])
        audit(actor, "count.cancelled", "count", str(sheet_id), {"reason": reason}, now=now)
        return CountOutcome("accepted", sheet_id)

    return run_in_transaction(run)


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
    append([NewEvent(COUNT_BOOKED, str(sheet_id), {"day": business_day(now, DEFAULT_ZONE).isoformat()})])
    audit(actor, "count.booked", "count", str(sheet_id), {"lines": len(lines), "changed": len(deltas)}, now=now)
