"""The only way to change prices: a request whose rows are applied, refused, or wait for another person (PRI-02)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all, next_ids, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.actions.lists import ensure_lists
from tongpan.pricing.actions.log import Logged, log_changes
from tongpan.pricing.actions.planning import Plan, PlannedRow, PriceChange, plan_changes
from tongpan.pricing.events import PRICE_CHANGED, REQUEST_CHANGED

MOST_ROWS = 200_000
_WHY_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Requested:
    """A request and what became of its rows, at the position of the changes. id None: a preview."""

    id: int | None
    state: str
    rows: Sequence[PlannedRow]

    def count(self, outcome: str) -> int:
        return sum(row.outcome == outcome for row in self.rows)


def preview_changes(changes: Sequence[PriceChange], *, now: datetime) -> Requested:
    """What ``request_changes`` would do now; nothing is written. Raises Refusal price_request.many."""
    _check(changes, "")
    rows = plan_changes(changes, now=now).rows
    return Requested(None, _state(rows), rows)


def request_changes(
    changes: Sequence[PriceChange],
    *,
    why: str = "",
    source: str = "",
    actor: str,
    must_wait: bool = False,
    now: datetime,
) -> Requested:
    """Ask for ``changes``: rows inside the rules count at once, others are refused or wait for another person.

    must_wait: also what is inside the rules waits for another person, as proposals of a model do.
    The lists "guide" and those of channels are made when they are missing. Every row has an outcome of its own; the
    number of statements is constant. Locks the SKUs by id. Raises Refusal price_request.* for no rows, too many, or
    a reason that is too long.
    """
    why = _check(changes, why)

    def work() -> Requested:
        ensure_lists({change.list_code for change in changes}, actor=actor, now=now)
        _lock({change.sku_code for change in changes})
        plan = plan_changes(changes, now=now, must_wait=must_wait)
        state = _state(plan.rows)
        request_id: int = fetch_all(
            """INSERT INTO pricing_changerequest (state, source, why, requested_by, requested_at, decided_by,
                                                  decision_note)
               VALUES (%s, %s, %s, %s, %s, '', '') RETURNING id""",
            [state, source[:20], why, actor, now],
        )[0][0]
        row_ids = _keep_rows(request_id, plan.rows)
        _apply(plan, row_ids, request_id, actor=actor, approved_by="", why=why, now=now)
        _tell(request_id, state, plan, actor=actor, action="price_request.made", now=now)
        return Requested(request_id, state, plan.rows)

    return run_in_transaction(work)


def decide_request(
    request_id: int,
    *,
    approve: bool,
    numbers: Collection[int] | None = None,
    note: str = "",
    actor: str,
    now: datetime,
) -> Requested:
    """Approve or reject the waiting rows of a request, those with ``numbers`` or all.

    Approved rows are judged once more by what is in force now; what the rules refuse by now is refused, the rest
    counts from its beginning or, where that has passed, from now on. Locks the request, then the SKUs by id. Raises
    Refusal price_request.unknown, price_request.own (nobody decides on what they asked for), price_request.state
    (nothing of it waits) or price_request.why.
    """
    note = _text(note)

    def work() -> Requested:
        requested_by, why = _locked(request_id)
        if requested_by == actor:
            raise Refusal("price_request.own", "Nobody approves what they asked for: let somebody else decide.")
        waiting = _waiting(request_id, numbers)
        if not waiting:
            raise Refusal("price_request.state", f"Nothing of request {request_id} waits for approval any more.")
        plan = Plan([], {})
        if approve:
            _lock({change.sku_code for _, _, change in waiting})
            plan = plan_changes([change for *_, change in waiting], now=now, is_approved=True)
            ids = {row.number: row_id for row, (row_id, _, _) in zip(plan.rows, waiting, strict=True)}
            _apply(plan, ids, request_id, actor=requested_by, approved_by=actor, why=why, now=now)
            for row, (_, number, _) in zip(plan.rows, waiting, strict=True):
                row.number = number
            decided = [(row_id, row) for (row_id, _, _), row in zip(waiting, plan.rows, strict=True)]
            execute(
                """UPDATE pricing_changerow r SET outcome = g.outcome, findings = g.findings::jsonb
                   FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g(id, outcome, findings) WHERE r.id = g.id""",
                [
                    [row_id for row_id, _ in decided],
                    [row.outcome for _, row in decided],
                    [as_json([finding.as_json() for finding in row.findings]) for _, row in decided],
                ],
            )
        else:
            execute(
                "UPDATE pricing_changerow SET outcome = 'rejected' WHERE id = ANY(%s)", [[one[0] for one in waiting]]
            )
        state = _settle(request_id, "done" if approve else "rejected", actor, note, now)
        action = "price_request.approved" if approve else "price_request.rejected"
        _tell(request_id, state, plan, actor=actor, action=action, now=now)
        return Requested(request_id, state, plan.rows)

    return run_in_transaction(work)


def withdraw_request(request_id: int, *, actor: str, now: datetime) -> None:
    """Take back what waits of one's own request. Raises Refusal price_request.unknown, price_request.state, or
    price_request.not_own."""

    def work() -> None:
        requested_by, _ = _locked(request_id)
        if requested_by != actor:
            raise Refusal("price_request.not_own", "Only who asked for a change takes it back; reject it instead.")
        if not execute(
            "UPDATE pricing_changerow SET outcome = 'rejected' WHERE request_id = %s AND outcome = 'pending'",
            [request_id],
        ):
            raise Refusal("price_request.state", f"Nothing of request {request_id} waits for approval any more.")
        state = _settle(request_id, "withdrawn", actor, "", now)
        _tell(request_id, state, Plan([], {}), actor=actor, action="price_request.withdrawn", now=now)

    run_in_transaction(work)


def _check(changes: Sequence[PriceChange], why: str) -> str:
    if not changes:
        raise Refusal("price_request.empty", "A request needs at least one price.")
    if len(changes) > MOST_ROWS:
        raise Refusal("price_request.many", f"{len(changes)} prices are more than the {MOST_ROWS} of one request.")
    return _text(why)


def _text(text: str) -> str:
    if len(text) > _WHY_LENGTH or "\x00" in text:
        raise Refusal("price_request.why", f"A reason has at most {_WHY_LENGTH} characters.")
    return text.strip()


def _lock(sku_codes: set[str]) -> None:
    fetch_all(
        "SELECT 1 FROM catalog_sku WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        [sorted(code.replace("\x00", "") for code in sku_codes)],
    )


def _state(rows: Sequence[PlannedRow]) -> str:
    outcomes = {row.outcome for row in rows}
    if "pending" in outcomes:
        return "pending"
    return "refused" if outcomes == {"refused"} else "done"


def _keep_rows(request_id: int, rows: Sequence[PlannedRow]) -> dict[int, int]:
    """Write the rows whose list and SKU exist; their ids by number."""
    known = [row for row in rows if row.list_id is not None and row.sku_id is not None]
    ids = next_ids("pricing_changerow", len(known))
    copy_rows(
        "pricing_changerow",
        (
            *("id", "request_id", "number", "price_list_id", "sku_id", "min_qty", "amount_minor", "starts_at"),
            *("ends_at", "before_minor", "guide_minor", "low_minor", "high_minor", "floor_minor", "outcome"),
            "findings",
        ),
        (
            (
                *(row_id, request_id, row.number, row.list_id, row.sku_id, row.change.min_qty),
                *(row.change.amount_minor, row.starts_at, row.change.ends_at, row.before_minor, row.guide_minor),
                *(row.low_minor, row.high_minor, row.floor_minor, row.outcome),
                as_json([finding.as_json() for finding in row.findings]),
            )
            for row_id, row in zip(ids, known, strict=True)
        ),
    )
    return {row.number: row_id for row_id, row in zip(ids, known, strict=True)}


def _apply(
    plan: Plan,
    row_ids: dict[int, int],
    request_id: int,
    *,
    actor: str,
    approved_by: str,
    why: str,
    now: datetime,
) -> None:
    """End and add entries as the applied rows say, and log them."""
    splices = plan.splices()
    ends = sorted((entry_id, at) for one in splices.values() for entry_id, at in one.ends.items())
    if ends:
        execute(
            """UPDATE pricing_priceentry e
               SET valid = CASE WHEN g.at IS NULL THEN 'empty'::tstzrange ELSE tstzrange(lower(e.valid), g.at) END
               FROM unnest(%s::bigint[], %s::timestamptz[]) AS g(id, at) WHERE e.id = g.id""",
            [whole_numbers(entry_id for entry_id, _ in ends), [at for _, at in ends]],
        )
    adds = [(key, piece) for key, one in splices.items() for piece in one.adds]
    if adds:
        execute(
            """INSERT INTO pricing_priceentry (price_list_id, sku_id, min_qty, amount_minor, valid, row_id, created_at)
               SELECT list, sku, qty, amount, tstzrange(starts, ends), source, %s
               FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],
                           %s::bigint[]) AS g(list, sku, qty, amount, starts, ends, source)""",
            [
                now,
                *(whole_numbers(key[part] for key, _ in adds) for part in range(3)),
                [piece.amount_minor for _, piece in adds],
                [piece.start for _, piece in adds],
                [piece.end for _, piece in adds],
                [None if piece.source is None else row_ids[piece.source] for _, piece in adds],
            ],
        )
    applied = [row for row in plan.rows if row.outcome == "applied"]
    log_changes(
        [
            Logged(
                "entry",
                sku_id=row.sku_id,
                list_id=row.list_id,
                before=None if row.before_minor is None else {"amount_minor": row.before_minor},
                after=_after(row),
                scope={"min_qty": row.change.min_qty, "currency": row.currency},
            )
            for row in applied
        ],
        actor=actor,
        approved_by=approved_by,
        why=why,
        request_id=request_id,
        now=now,
    )


def _after(row: PlannedRow) -> dict[str, Any]:
    until = row.change.ends_at
    return {
        "amount_minor": row.change.amount_minor,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": until.isoformat() if until else None,
    }


def _locked(request_id: int) -> tuple[str, str]:
    rows = fetch_all(
        "SELECT requested_by, why FROM pricing_changerequest WHERE id = %s FOR NO KEY UPDATE", [request_id]
    )
    if not rows:
        raise Refusal("price_request.unknown", f"There is no request {request_id}.")
    return rows[0][0], rows[0][1]


def _waiting(request_id: int, numbers: Collection[int] | None) -> list[tuple[int, int, PriceChange]]:
    return [
        (row_id, number, PriceChange(*change))
        for row_id, number, *change in fetch_all(
            """SELECT r.id, r.number, l.code, s.code, r.amount_minor, r.min_qty, r.starts_at, r.ends_at
               FROM pricing_changerow r JOIN pricing_pricelist l ON l.id = r.price_list_id
               JOIN catalog_sku s ON s.id = r.sku_id
               WHERE r.request_id = %s AND r.outcome = 'pending' AND (%s::int[] IS NULL OR r.number = ANY(%s::int[]))
               ORDER BY r.number""",
            [request_id, None if numbers is None else sorted(numbers), None if numbers is None else sorted(numbers)],
        )
    ]


def _settle(request_id: int, state: str, actor: str, note: str, now: datetime) -> str:
    """The state of the request after a decision: it still waits while a row of it does."""
    rows = fetch_all(
        """UPDATE pricing_changerequest q SET
             state = CASE WHEN EXISTS (SELECT FROM pricing_changerow r WHERE r.request_id = q.id
                                       AND r.outcome = 'pending') THEN 'pending' ELSE %s END,
             decided_by = %s, decided_at = %s, decision_note = %s
           WHERE q.id = %s RETURNING state""",
        [state, actor, now, note, request_id],
    )
    return str(rows[0][0])


def _tell(request_id: int, state: str, plan: Plan, *, actor: str, action: str, now: datetime) -> None:
    counts = {
        outcome: sum(row.outcome == outcome for row in plan.rows)
        for outcome in ("applied", "pending", "refused", "unchanged")
    }
    audit(actor, action, "price_request", str(request_id), {name: n for name, n in counts.items() if n}, now=now)
    changed = {(row.sku_id, row.list_id): row.starts_at for row in plan.rows if row.outcome == "applied"}
    append(
        [NewEvent(REQUEST_CHANGED, str(request_id), {"state": state})]
        + [
            NewEvent(PRICE_CHANGED, str(sku_id), {"list": list_id, "at": at.isoformat()})
            for (sku_id, list_id), at in changed.items()
        ]
    )
