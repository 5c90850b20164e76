"""Cases as actions hold them: locked, moved on, and told of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.orders.actions.locking import lock_orders
from tongpan.orders.aftersale.engine.deciding import Answer
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome, refused_step, unknown_case
from tongpan.orders.events import CASE

STAMPS = {
    "approved": "decided_at",
    "refused": "decided_at",
    "withdrawn": "decided_at",
    "in_transit": "scanned_at",
    "received": "received_at",
    "inspected": "inspected_at",
    "closed": "closed_at",
}


class CaseLine(NamedTuple):
    case_id: int
    id: int
    line_no: int
    order_line_id: int
    sku_id: int
    sku: str
    name: str
    qty: int
    is_quality: bool
    wanted_sku_id: int | None
    wanted_sku: str | None
    wanted_name: str | None
    wanted_minor: int | None


@dataclass(slots=True)
class Case:
    """A case that this transaction holds, with its order."""

    id: int
    order_id: int
    kind: str
    status: str
    way: str
    node_id: int | None
    currency: str
    quoted_minor: int
    credit_minor: int | None
    policy_version: int
    said: Mapping[str, Any]
    customer_id: int | None
    shop_id: int
    shop: str
    number: str
    day: date
    return_doc_id: int | None
    new_order_id: int | None
    is_instant: bool
    is_simulated: bool
    received_at: datetime | None
    paid_with: str
    lines: list[CaseLine] = field(default_factory=list)

    @property
    def answer(self) -> Answer:
        """The terms on which the policy allowed it."""
        return Answer(
            True,
            self.said["sentence"],
            freight_payer=self.said["freight_payer"],
            charges=self.said["charges"],
            charges_for=self.said["charges_for"],
        )

    @property
    def units(self) -> dict[int, int]:
        """Units by line number."""
        return {line.line_no: line.qty for line in self.lines}


def lock_cases(case_ids: Collection[int]) -> dict[int, Case]:
    """Lock the orders of those of ``case_ids`` that exist, then the cases, each in ascending order of id."""
    wanted = sorted(set(case_ids))
    orders = fetch_all("SELECT DISTINCT order_id FROM orders_returncase WHERE id = ANY(%s)", [wanted])
    lock_orders([order_id for (order_id,) in orders])
    rows = fetch_all(
        """SELECT c.id, c.order_id, c.kind, c.status, c.way, c.node_id, c.currency, c.quoted_minor, c.credit_minor,
                  c.policy_version, c.answer::text, c.customer_id, c.shop_id, s.code, o.external_id, o.business_date,
                  c.return_doc_id, c.new_order_id, c.is_instant, c.is_simulated, c.received_at, c.paid_with
           FROM orders_returncase c JOIN orders_order o ON o.id = c.order_id JOIN channels_shop s ON s.id = c.shop_id
           WHERE c.id = ANY(%s) ORDER BY c.id FOR NO KEY UPDATE OF c""",
        [wanted],
    )
    cases: dict[int, Case] = {}
    for row in rows:
        values = [*row[:10], json.loads(row[10]), *row[11:]]
        cases[row[0]] = Case(*values)
    for row in fetch_all(
        """SELECT l.case_id, l.id, l.line_no, l.order_line_id, l.sku_id, k.code, k.name, l.qty, l.is_quality,
                  l.wanted_sku_id, w.code, w.name, l.wanted_minor
           FROM orders_returncaseline l JOIN catalog_sku k ON k.id = l.sku_id
           LEFT JOIN catalog_sku w ON w.id = l.wanted_sku_id WHERE l.case_id = ANY(%s) ORDER BY l.case_id, l.line_no""",
        [list(cases)],
    ):
        cases[row[0]].lines.append(CaseLine(*row))
    return cases


def in_step(
    case_ids: Sequence[int], cases: Mapping[int, Case], step: str, from_statuses: Collection[str]
) -> tuple[list[Case], dict[int, CaseOutcome]]:
    """The cases that can take ``step`` now, and why the others cannot, by id. Who comes second is told so."""
    refused: dict[int, CaseOutcome] = {}
    for case_id in case_ids:
        case = cases.get(case_id)
        if case is None:
            refused[case_id] = unknown_case(case_id)
        elif case.status == step:
            refused[case_id] = CaseOutcome(case_id, "unchanged", step)
        elif case.status not in from_statuses:
            refused[case_id] = refused_step(case_id, case.status, step.replace("_", " "), from_statuses)
    return [cases[i] for i in sorted(set(case_ids) - set(refused))], refused


def move(
    cases: Sequence[Case],
    status: str,
    *,
    due_at: Mapping[int, datetime] | datetime | None,
    actor: str,
    now: datetime,
    node_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Put ``cases``, which the caller holds, into ``status``, and tell of it everywhere it is told."""
    if not cases:
        return
    dues = due_at if isinstance(due_at, Mapping) else {case.id: due_at for case in cases}
    execute(
        f"""UPDATE orders_returncase c SET status = %s, due_at = n.due_at, {STAMPS[status]} = %s
            FROM unnest(%s::bigint[], %s::timestamptz[]) AS n(id, due_at) WHERE c.id = n.id""",
        [status, now, [case.id for case in cases], [dues.get(case.id) for case in cases]],
    )
    for case in cases:
        case.status = status
    tell(cases, status, actor=actor, now=now, node_id=node_id, data=data)


def tell(
    cases: Sequence[Case],
    kind: str,
    *,
    actor: str,
    now: datetime,
    node_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Append what happened to the story of ``cases``, to the audit trail and to the event log."""
    write_story([(case.id, kind, now, actor, node_id, as_json(dict(data or {}))) for case in cases])
    audit_many(
        [Note(f"aftersale.{kind}", "return_case", str(case.id), dict(data or {})) for case in cases],
        actor=actor,
        now=now,
    )
    if kind in STAMPS or kind == "requested":
        append(
            [
                NewEvent(
                    CASE + kind,
                    str(case.id),
                    {"order": case.order_id, "kind": case.kind, "day": case.day.isoformat()},
                )
                for case in cases
            ]
        )


def write_story(rows: Sequence[tuple[Any, ...]]) -> None:
    """Append (case id, kind, at, actor, node id, JSON) to the stories of cases."""
    if rows:
        copy_rows("orders_caseevent", ("case_id", "kind", "at", "actor", "node_id", "data"), rows)


def release_units(units: Mapping[int, int]) -> None:
    """Let units (by order line id) be asked back again; the caller holds their orders."""
    if units:
        execute(
            """UPDATE orders_unitstaken t SET taken = t.taken - n.qty
               FROM unnest(%s::bigint[], %s::int[]) AS n(line_id, qty) WHERE t.order_line_id = n.line_id""",
            [list(units), list(units.values())],
        )


def units_by_line(lines: Sequence[CaseLine]) -> dict[int, int]:
    """Units of several case lines by order line id."""
    units: dict[int, int] = defaultdict(int)
    for line in lines:
        units[line.order_line_id] += line.qty
    return dict(units)
