"""Goods on their way back, and their arrival: at any node that takes returns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from tongpan.catalog.kits import parts_of
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.inventory.engine import Delta
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.aftersale.actions.refunding import propose
from tongpan.orders.aftersale.cases import Case, in_step, lock_cases, move, tell
from tongpan.orders.aftersale.engine.deciding import Standing, refusal_of_instant
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome
from tongpan.orders.aftersale.facts import returns_of_buyers
from tongpan.orders.aftersale.policies import policies_of
from tongpan.orders.aftersale.requests import TAKES_RETURNS

CAUSE = "return_case"
"""The document that moves the stock of goods that come back."""


def send(parcels: Sequence[tuple[int, str, str]], *, actor: str, now: datetime) -> list[CaseOutcome]:
    """The carrier has the goods of approved cases: (case id, carrier, tracking number); the outcome of each.

    A case whose policy refunds at once has its refund from here on. Locks orders, then cases, in ascending order of
    id. Raises Refusal parcel.number for a carrier or number that is missing or too long.
    """
    for _, carrier, number in parcels:
        if not checked_text(carrier, "parcel.number", 40) or not checked_text(number, "parcel.number", 80):
            raise Refusal("parcel.number", "A parcel needs its carrier and its tracking number.")
    case_ids = [case_id for case_id, _, _ in parcels]

    def work() -> list[CaseOutcome]:
        cases = lock_cases(case_ids)
        ready, others = in_step(case_ids, cases, "in_transit", ("approved",))
        for case in list(ready):
            if case.way == "none":
                sentence = f"No goods come back in case AS{case.id}."
                others[case.id] = CaseOutcome(case.id, "refused", case.status, "case.way", sentence)
                ready.remove(case)
        known = {case.id for case in ready}
        rows = [(i, carrier.strip(), number.strip()) for i, carrier, number in parcels if i in known]
        execute(
            """UPDATE orders_returncase c SET carrier = p.carrier, tracking_number = p.number
               FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS p(id, carrier, number) WHERE c.id = p.id""",
            [[row[i] for row in rows] for i in range(3)],
        )
        policies = policies_of({case.policy_version for case in ready})
        dues = {case.id: now + timedelta(hours=policies[case.policy_version].receive_hours) for case in ready}
        move(ready, "in_transit", due_at=dues, actor=actor, now=now)
        _refund_at_once(ready, "carrier", actor=actor, now=now)
        return [others.get(i) or CaseOutcome(i, "done", cases[i].status) for i in case_ids]

    return run_in_transaction(work)


def receive(
    case_ids: Sequence[int], node_code: str, *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[CaseOutcome]:
    """The goods of approved cases arrive at a node, which need not be the one they were sent to; the outcome of each.

    They go into its inspection bucket, on sale nowhere, until someone has looked at them. nodes: the ids of the nodes
    at which the person works, None for all. Locks orders, cases, then pools, each in ascending order of id. Raises
    Refusal return.node for a node that is unknown, takes no returns, or is not the person's.
    """

    def work() -> list[CaseOutcome]:
        node_id, tracks_stock = _node(node_code, nodes)
        cases = lock_cases(case_ids)
        ready, others = in_step(case_ids, cases, "received", ("approved", "in_transit"))
        for case in list(ready):
            if case.way == "none":
                sentence = f"No goods come back in case AS{case.id}."
                others[case.id] = CaseOutcome(case.id, "refused", case.status, "case.way", sentence)
                ready.remove(case)
        policies = policies_of({case.policy_version for case in ready})
        dues = {case.id: now + timedelta(hours=policies[case.policy_version].inspect_hours) for case in ready}
        execute("UPDATE orders_returncase SET node_id = %s WHERE id = ANY(%s)", [node_id, [case.id for case in ready]])
        move(ready, "received", due_at=dues, actor=actor, now=now, node_id=node_id, data={"node": node_code})
        if tracks_stock:
            _book(ready, node_id, actor=actor, now=now)
        _refund_at_once(ready, "store", actor=actor, now=now)
        return [others.get(i) or CaseOutcome(i, "done", cases[i].status) for i in case_ids]

    return run_in_transaction(work)


def _node(code: str, nodes: Collection[int] | None) -> tuple[int, bool]:
    rows = fetch_all(
        f"""SELECT n.id, n.name, n.tracks_stock, {TAKES_RETURNS} FROM network_node n
            WHERE n.code = %s AND n.is_active""",
        [code.replace("\x00", "")],
    )
    if not rows:
        raise Refusal("return.node", f"There is no active node {code!r}.")
    node_id, name, tracks_stock, takes_returns = rows[0]
    if not takes_returns:
        raise Refusal("return.node", f"{name} does not take returns; choose a return point.")
    if nodes is not None and node_id not in nodes:
        raise Refusal("return.node", f"You do not work at {name}; ask someone who does to take the goods.")
    return node_id, tracks_stock


def _book(cases: Sequence[Case], node_id: int, *, actor: str, now: datetime) -> None:
    parts = parts_of({line.sku_id for case in cases for line in case.lines})
    deltas = [
        Delta(part_id, node_id, "inspection", "returned", line.qty * units, 0, 0, CAUSE, case.id, now)
        for case in cases
        for line in case.lines
        for part_id, units in parts.get(line.sku_id, [(line.sku_id, 1)])
    ]
    lock_pools({delta.sku_id for delta in deltas})
    post(deltas, actor=actor)


def _refund_at_once(cases: Sequence[Case], scanned: str, *, actor: str, now: datetime) -> None:
    """Propose the refunds that the policy makes before anyone has looked at the goods (RET-04)."""
    waiting = [case for case in cases if case.kind == "return" and not case.is_instant]
    if not waiting:
        return
    policies = policies_of({case.policy_version for case in waiting})
    days = max(policies[case.policy_version].instant.within_days for case in waiting)
    buyers = returns_of_buyers({case.customer_id for case in waiting if case.customer_id}, days, now)
    ready = []
    for case in waiting:
        count, is_listed = buyers.get(case.customer_id or 0, (1, False))
        standing = Standing(case.quoted_minor, case.currency, count, is_listed, scanned)
        if not refusal_of_instant(policies[case.policy_version], standing):
            ready.append(case)
    if not ready:
        return
    propose([(case, case.units) for case in ready], actor=actor, now=now)
    execute("UPDATE orders_returncase SET is_instant = true WHERE id = ANY(%s)", [[case.id for case in ready]])
    for case in ready:
        case.is_instant = True
    tell(ready, "instant_refund", actor=actor, now=now, data={"scanned": scanned})


def stock_at(case: Case) -> Mapping[int, bool]:
    """Whether the node that holds the goods of ``case`` keeps a book of its stock, by node id; empty without a node."""
    return dict(fetch_all("SELECT id, tracks_stock FROM network_node WHERE id = %s", [case.node_id]))
