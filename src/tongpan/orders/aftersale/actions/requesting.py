"""Taking requests in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tongpan.core.bulk import as_json, copy_rows, execute, next_ids
from tongpan.core.races import run_in_transaction
from tongpan.orders.aftersale.actions.deciding import approve_locked
from tongpan.orders.aftersale.cases import lock_cases, tell
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome
from tongpan.orders.aftersale.planning import Planned
from tongpan.orders.aftersale.requests import Context, load_context, plan
from tongpan.orders.aftersale.specs import CaseSpec

POLICY_ACTOR = "returns-policy"
"""Who approves what the policy approves by itself."""


def request(specs: Sequence[CaseSpec], *, actor: str, now: datetime, source: str = "console") -> list[CaseOutcome]:
    """Take requests in; the outcome of each, at the same position.

    What the policy refuses is refused with its sentence and leaves no case. What it approves by itself is approved in
    the same transaction. Locks the orders in ascending order of id: of two requests for the same unit one wins. The
    number of statements does not grow with the batch.
    """
    return run_in_transaction(lambda: _request(specs, actor=actor, now=now, source=source))


def _request(specs: Sequence[CaseSpec], *, actor: str, now: datetime, source: str) -> list[CaseOutcome]:
    context = load_context(specs, now, is_locking=True)
    outcomes: dict[int, CaseOutcome] = {}
    taken: list[tuple[int, CaseSpec, Planned]] = []
    for position, spec in enumerate(specs):
        planned = plan(context, position, spec, now)
        answer = planned.answer
        if answer.is_allowed:
            taken.append((position, spec, planned))
            context.count(spec, planned)
        else:
            outcomes[position] = CaseOutcome(None, "refused", code=answer.code, reason=answer.sentence)
    if taken:
        ids = insert_cases(context, [(spec, planned) for _, spec, planned in taken], now=now, source=source)
        cases = lock_cases(ids)
        tell(list(cases.values()), "requested", actor=actor, now=now, data={"source": source})
        approved = [cases[i] for i, (_, _, planned) in zip(ids, taken, strict=True) if not planned.approval]
        approve_locked(approved, actor=POLICY_ACTOR, now=now)
        for case_id, (position, _, _) in zip(ids, taken, strict=True):
            outcomes[position] = CaseOutcome(case_id, "done", cases[case_id].status)
    return [outcomes[position] for position in range(len(specs))]


def insert_cases(
    context: Context, taken: Sequence[tuple[CaseSpec, Planned]], *, now: datetime, source: str
) -> list[int]:
    """Store requests that were judged before as cases that are requested; their ids. The caller holds the orders."""
    ids = next_ids("orders_returncase", len(taken))
    due_at = now + timedelta(hours=context.policy.answer_hours)
    heads: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    units: dict[int, tuple[int, int]] = {}
    for case_id, (spec, planned) in zip(ids, taken, strict=True):
        facts = planned.order
        said = planned.answer.as_json() | {"instant": planned.instant, "approval": planned.approval}
        heads.append(
            (
                case_id, facts.id, facts.shop_id, facts.channel_id, facts.customer_id, spec.kind, "requested", spec.way,
                facts.currency, sum(line.qty for line in spec.lines), planned.total_minor, spec.amount_minor,
                spec.paid_with.strip()[:40], context.version, as_json(said), spec.note.strip(), source[:20],
                context.node_id(facts, spec), spec.slot_start, spec.slot_end, "", "", "", due_at, now, "", False,
                facts.is_simulated,
            )
        )  # fmt: skip
        for wanted in spec.lines:
            row = facts.goods_line(wanted.line_no)
            reason = context.policy.reasons_by_code[wanted.reason]
            lines.append(
                (
                    case_id, row.id, row.line_no, row.sku_id, wanted.qty, reason.code, reason.is_quality,
                    wanted.is_opened, context.skus.get(wanted.wanted_sku), wanted.wanted_minor,
                )
            )  # fmt: skip
            if spec.amount_minor is None:
                units[row.id] = (row.qty, units.get(row.id, (0, 0))[1] + wanted.qty)
    copy_rows(
        "orders_returncase",
        (
            "id", "order_id", "shop_id", "channel_id", "customer_id", "kind", "status", "way", "currency", "units",
            "quoted_minor", "credit_minor", "paid_with", "policy_version", "answer", "note", "source", "node_id",
            "slot_start", "slot_end", "carrier", "tracking_number", "owner", "due_at", "requested_at",
            "channel_number", "is_instant", "is_simulated",
        ),
        heads,
    )  # fmt: skip
    copy_rows(
        "orders_returncaseline",
        (
            "case_id", "order_line_id", "line_no", "sku_id", "qty", "reason", "is_quality", "is_opened",
            "wanted_sku_id", "wanted_minor",
        ),
        lines,
    )  # fmt: skip
    _take(units)
    return ids


def _take(units: Mapping[int, tuple[int, int]]) -> None:
    """Take (units of the line, units taken now) by order line id; the database refuses more than the line has."""
    execute(
        """INSERT INTO orders_unitstaken AS t (order_line_id, qty, taken)
           SELECT * FROM unnest(%s::bigint[], %s::int[], %s::int[])
           ON CONFLICT (order_line_id) DO UPDATE SET taken = t.taken + excluded.taken, qty = excluded.qty""",
        [sorted(units), [units[i][0] for i in sorted(units)], [units[i][1] for i in sorted(units)]],
    )
