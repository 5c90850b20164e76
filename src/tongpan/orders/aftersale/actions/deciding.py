"""What people decide about cases: yes, no, never mind, and who works on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tongpan.core.bulk import execute
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.aftersale.actions.refunding import close_done, propose
from tongpan.orders.aftersale.actions.replacing import send_instead
from tongpan.orders.aftersale.cases import Case, in_step, lock_cases, move, release_units, tell, units_by_line
from tongpan.orders.aftersale.engine.outcomes import OPEN, CaseOutcome, unknown_case
from tongpan.orders.aftersale.policies import policies_of


def approve(case_ids: Sequence[int], *, actor: str, now: datetime, note: str = "") -> list[CaseOutcome]:
    """Approve cases that are requested; the outcome of each, at the same position.

    A refund without a return is proposed at once and approved with the case, a claim sends its goods again. Locks
    orders, then cases, each in ascending order of id; of two people one wins. Raises Refusal case.note.
    """
    note = checked_text(note, "case.note")

    def work() -> list[CaseOutcome]:
        cases = lock_cases(case_ids)
        ready, others = in_step(case_ids, cases, "approved", ("requested",))
        approve_locked(ready, actor=actor, now=now, note=note)
        return [others.get(i) or CaseOutcome(i, "done", cases[i].status) for i in case_ids]

    return run_in_transaction(work)


def approve_locked(cases: Sequence[Case], *, actor: str, now: datetime, note: str = "") -> None:
    """Approve requested ``cases``, which the caller holds with their orders."""
    if not cases:
        return
    policies = policies_of({case.policy_version for case in cases})
    dues = {}
    for case in cases:
        policy = policies[case.policy_version]
        hours = policy.refund_hours if case.kind == "refund_only" else policy.receive_hours
        dues[case.id] = now + timedelta(hours=hours)
    move(cases, "approved", due_at=dues, actor=actor, now=now, data={"note": note} if note else None)
    propose([(case, case.units) for case in cases if case.kind == "refund_only"], actor=actor, now=now)
    for case in cases:
        if case.kind == "claim":
            send_instead(case, case.units, 0, actor=actor, now=now)
    done = [case for case in cases if case.kind in {"refund_only", "claim"}]
    close_done([case.id for case in done], actor=actor, now=now)


def refuse(case_ids: Sequence[int], reason: str, *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Refuse cases that are requested; the outcome of each. Their units may be asked for again.

    Raises Refusal case.reason for a reason that is missing or too long. Locks as ``approve``.
    """
    return _end(case_ids, "refused", ("requested",), reason, actor=actor, now=now)


def withdraw(case_ids: Sequence[int], reason: str, *, actor: str, now: datetime) -> list[CaseOutcome]:
    """End cases whose goods have not set out: the buyer keeps them; the outcome of each. Locks as ``approve``."""
    return _end(case_ids, "withdrawn", ("requested", "approved"), reason, actor=actor, now=now)


def _end(
    case_ids: Sequence[int], status: str, from_statuses: tuple[str, ...], reason: str, *, actor: str, now: datetime
) -> list[CaseOutcome]:
    reason = checked_text(reason, "case.reason")

    def work() -> list[CaseOutcome]:
        cases = lock_cases(case_ids)
        ready, others = in_step(case_ids, cases, status, from_statuses)
        for case in list(ready):
            if case.status == "approved" and case.kind in {"refund_only", "claim"}:
                sentence = f"Case AS{case.id} is refunded or sent again already; let its refund fail instead."
                others[case.id] = CaseOutcome(case.id, "refused", case.status, "case.status", sentence)
                ready.remove(case)
        move(ready, status, due_at=None, actor=actor, now=now, data={"reason": reason})
        release_units(units_by_line([line for case in ready if case.credit_minor is None for line in case.lines]))
        return [others.get(i) or CaseOutcome(i, "done", cases[i].status) for i in case_ids]

    return run_in_transaction(work)


def assign(case_ids: Sequence[int], owner: str, *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Give open cases to ``owner`` (a user name; "" for nobody); the outcome of each. Raises Refusal case.owner."""
    owner = checked_text(owner, "case.owner", 150)

    def work() -> list[CaseOutcome]:
        cases = lock_cases(case_ids)
        open_cases = [cases[i] for i in sorted(cases) if cases[i].status in OPEN]
        execute("UPDATE orders_returncase SET owner = %s WHERE id = ANY(%s)", [owner, [c.id for c in open_cases]])
        tell(open_cases, "assigned", actor=actor, now=now, data={"owner": owner})
        done = {case.id for case in open_cases}
        return [
            CaseOutcome(i, "done", cases[i].status)
            if i in done
            else CaseOutcome(i, "refused", cases[i].status, "case.status", f"Case AS{i} is closed.")
            if i in cases
            else unknown_case(i)
            for i in case_ids
        ]

    return run_in_transaction(work)
