"""Paying back orders that the company called off before anything left: whole, postage too."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.orders.aftersale.actions.deciding import approve_locked
from tongpan.orders.aftersale.actions.requesting import insert_cases
from tongpan.orders.aftersale.cases import lock_cases, tell
from tongpan.orders.aftersale.engine.deciding import Answer
from tongpan.orders.aftersale.planning import Planned, shares_of, terms_of
from tongpan.orders.aftersale.requests import load_context
from tongpan.orders.aftersale.specs import CaseLineSpec, CaseSpec


def refund_called_off(order_ids: Collection[int], reason: str, *, actor: str, now: datetime) -> list[int]:
    """Approve the refund of all that was paid for orders that the caller holds and has cancelled; the cases.

    No policy is asked: the company did not deliver. Whoever moves the money pays it (``pay_refunds``). An order that
    has such a case, or of which nothing is left to give back, is left alone. The number of statements does not grow
    with the batch.
    """
    if not order_ids:
        return []
    specs = [CaseSpec("refund_only", (), order_id, way="none") for order_id in sorted(order_ids)]
    context = load_context(specs, now, is_locking=True)
    ours = [reason.code for reason in context.policy.reasons if reason.fault == "shop"]
    code = (ours or [context.policy.reasons[0].code])[-1]
    taken: list[tuple[CaseSpec, Planned]] = []
    for order_id in sorted(context.facts):
        facts = context.facts[order_id]
        units = {line.line_no: line.qty - line.taken - line.by_channel for line in facts.goods}
        units = {line_no: qty for line_no, qty in units.items() if qty > 0}
        answer = Answer(True, reason, charges="whole")
        refund = shares_of(facts, units, terms_of(context.policy, answer, facts, "none", "refund_only"))
        if units and refund.total_minor:
            lines = [CaseLineSpec(line_no, qty, code) for line_no, qty in units.items()]
            spec = CaseSpec("refund_only", lines, order_id, way="none", note=reason)
            taken.append((spec, Planned(answer, refund, facts=facts)))
    if not taken:
        return []
    ids = insert_cases(context, taken, now=now, source="called off")
    cases = lock_cases(ids)
    tell(list(cases.values()), "requested", actor=actor, now=now, data={"source": "called off"})
    approve_locked(list(cases.values()), actor=actor, now=now, note=reason)
    return ids
