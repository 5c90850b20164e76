"""Refunds: proposed by a case, approved, and reported as paid or failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import copy_rows, execute, fetch_all, next_ids
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.actions.locking import lock_orders, log_changed
from tongpan.orders.actions.returns import book_returns
from tongpan.orders.aftersale.cases import Case, lock_cases, move, tell
from tongpan.orders.aftersale.engine import Given, RefundShares, add
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome
from tongpan.orders.aftersale.facts import OrderFacts, load, sale_of
from tongpan.orders.aftersale.planning import goodwill_of, shares_of, terms_of
from tongpan.orders.aftersale.policies import policies_of
from tongpan.orders.engine import LineDoc, ReturnDoc
from tongpan.orders.events import REFUND


def propose(
    wanted: Sequence[tuple[Case, Mapping[int, int]]],
    *,
    actor: str,
    now: datetime,
    used: Mapping[int, int] | None = None,
) -> dict[int, RefundShares]:
    """Write the refund of units (by line number) for each case; what it gives back, by case id.

    The caller holds orders and cases. One up to the case's quote is approved with it; one of nothing is paid. used:
    minor units of a refund that pay for goods sent instead, by case id. The database refuses a second refund of a
    case, and one beyond what was paid. The number of statements does not grow with the batch.
    """
    if not wanted:
        return {}
    policies = policies_of({case.policy_version for case, _ in wanted})
    newest = policies[max(policies)]
    facts = load({case.order_id for case, _ in wanted}, newest)
    made: dict[int, RefundShares] = {}
    paid: dict[int, tuple[int, int]] = {}
    for case, units in wanted:
        order = facts[case.order_id]
        policy = policies[case.policy_version]
        terms = terms_of(policy, case.answer, order, case.way, case.kind)
        if case.credit_minor is None:
            refund = shares_of(order, units, terms)
        else:
            found = goodwill_of(order, case.units, case.credit_minor, terms)
            refund = _nothing() if isinstance(found, str) else found
        made[case.id] = refund
        order.outside_before = order.outside_minor
        _count(order, refund)
        paid[order.id] = (sale_of(order).paid_minor, order.outside_before)
    _insert([case for case, _ in wanted], made, used or {}, actor=actor, now=now)
    _limit([(case.order_id, made[case.id].total_minor) for case, _ in wanted], paid)
    return made


def _nothing() -> RefundShares:
    """What is given back where others have given everything back since it was asked for."""
    return RefundShares((), (), 0, 0, 0, 0, ())


def _count(order: OrderFacts, refund: RefundShares) -> None:
    """Let the next refund of the same order see this one."""
    ours = Given(
        order.units_given,
        order.buyer_given,
        order.payers_given,
        order.withheld_minor,
        order.tenders_given,
        order.ours_minor,
    )
    after = add(ours, refund)
    order.units_given, order.buyer_given = dict(after.units), dict(after.buyer)
    order.payers_given, order.tenders_given = dict(after.payers), dict(after.tenders)
    order.withheld_minor, order.ours_minor = after.withheld_minor, after.total_minor


def _insert(
    cases: Sequence[Case], made: Mapping[int, RefundShares], used: Mapping[int, int], *, actor: str, now: datetime
) -> None:
    ids = next_ids("orders_refund", len(cases))
    heads: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    shares: list[tuple[Any, ...]] = []
    tenders: list[tuple[Any, ...]] = []
    status: dict[int, str] = {}
    line_ids = iter(next_ids("orders_refundline", sum(len(r.lines) + len(r.charges) for r in made.values())))
    for refund_id, case in zip(ids, cases, strict=True):
        refund = made[case.id]
        within = refund.total_minor <= case.quoted_minor
        status[refund_id] = "paid" if refund.total_minor == 0 else "approved" if within else "proposed"
        approved = status[refund_id] != "proposed"
        goods = sum(line.buyer_minor for line in refund.lines)
        charges = sum(amount for _, amount in refund.charges)
        heads.append(
            (
                refund_id, case.order_id, case.id, status[refund_id], case.currency, goods, charges,
                refund.withheld_minor, refund.deducted_minor, refund.cut_minor, refund.total_minor, now, actor,
                now if approved else None, actor if approved else "", now if status[refund_id] == "paid" else None,
                "", "", case.is_simulated,
            )
        )  # fmt: skip
        for line in refund.lines:
            line_id = next(line_ids)
            lines.append((line_id, refund_id, line.line_id, line.qty, line.buyer_minor))
            shares += [(line_id, share.payer, share.code, share.amount_minor) for share in line.shares]
        lines += [(next(line_ids), refund_id, charge_id, 0, amount) for charge_id, amount in refund.charges]
        tenders += _tender_rows(refund_id, refund, used.get(case.id, 0))
    copy_rows(
        "orders_refund",
        (
            "id", "order_id", "case_id", "status", "currency", "goods_minor", "charges_minor", "withheld_minor",
            "deducted_minor", "cut_minor", "total_minor", "proposed_at", "proposed_by", "approved_at", "approved_by",
            "paid_at", "reference", "failure", "is_simulated",
        ),
        heads,
    )  # fmt: skip
    copy_rows("orders_refundline", ("id", "refund_id", "order_line_id", "qty", "buyer_minor"), lines)
    copy_rows("orders_refundshare", ("line_id", "payer", "code", "amount_minor"), shares)
    copy_rows("orders_refundtender", ("refund_id", "seq", "method", "kind", "action", "amount_minor"), tenders)
    log_refunds(ids, "proposed")
    log_refunds([i for i in ids if status[i] in {"approved", "paid"}], "approved")
    log_refunds([i for i in ids if status[i] == "paid"], "paid")


def _tender_rows(refund_id: int, refund: RefundShares, used: int) -> list[tuple[Any, ...]]:
    """What each tender gets back. The first ``used`` minor units pay for goods that are sent instead."""
    rows = []
    for tender, amount in refund.tenders:
        for_goods = min(amount, used)
        used -= for_goods
        action = "pay_back" if tender.kind == "money" else "restore"
        for what, minor in (("exchange", for_goods), (action, amount - for_goods)):
            if minor:
                rows.append((refund_id, tender.seq, tender.method[:40], tender.kind, what, minor))
    return rows


def _limit(taken: Sequence[tuple[int, int]], paid: Mapping[int, tuple[int, int]]) -> None:
    """Count refunds towards what was paid for their orders, which the caller holds. paid: and given back outside."""
    sums: dict[int, int] = {}
    for order_id, amount in taken:
        sums[order_id] = sums.get(order_id, 0) + amount
    ids = sorted(sums)
    execute(
        """INSERT INTO orders_refundlimit AS l (order_id, paid_minor, outside_minor, refunded_minor)
           SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
           ON CONFLICT (order_id) DO UPDATE
               SET refunded_minor = l.refunded_minor + excluded.refunded_minor, paid_minor = excluded.paid_minor,
                   outside_minor = excluded.outside_minor""",
        [ids, [paid[i][0] for i in ids], [paid[i][1] for i in ids], [sums[i] for i in ids]],
    )


def log_refunds(refund_ids: Collection[int], what: str) -> None:
    """Log refund.``what`` with everything that loyalty and promotions need to follow it."""
    if not refund_ids:
        return
    rows = fetch_all(
        """SELECT r.id, r.order_id, r.case_id, c.customer_id, r.currency, r.total_minor, r.goods_minor,
                  (SELECT coalesce(json_agg(json_build_object('method', t.method, 'kind', t.kind, 'action', t.action,
                          'amount_minor', t.amount_minor) ORDER BY t.id), '[]')
                   FROM orders_refundtender t WHERE t.refund_id = r.id)
           FROM orders_refund r JOIN orders_returncase c ON c.id = r.case_id WHERE r.id = ANY(%s) ORDER BY r.id""",
        [sorted(refund_ids)],
    )
    append(
        [
            NewEvent(
                REFUND + what,
                str(row[0]),
                {
                    "order": row[1],
                    "case": row[2],
                    "customer": row[3],
                    "currency": row[4],
                    "total_minor": row[5],
                    "goods_minor": row[6],
                    "tenders": row[7],
                },
            )
            for row in rows
        ]
    )


def approve_refunds(refund_ids: Sequence[int], *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Approve refunds that are proposed; the outcome of each (case_id is its case), at the same position."""

    def work(ids: list[int]) -> None:
        execute(
            "UPDATE orders_refund SET status = 'approved', approved_at = %s, approved_by = %s WHERE id = ANY(%s)",
            [now, actor, ids],
        )

    return _change(refund_ids, "approved", ("proposed",), work, actor=actor, now=now)


def pay_refunds(refund_ids: Sequence[int], reference: str, *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Note that approved refunds were paid back, by whoever moves the money; the outcome of each.

    reference: what the payment is known by there. A case whose last step this was is closed, and its order knows what
    was refunded. Raises Refusal refund.reference.
    """
    reference = checked_text(reference, "refund.reference", 120)

    def work(ids: list[int]) -> None:
        execute(
            "UPDATE orders_refund SET status = 'paid', paid_at = %s, reference = %s WHERE id = ANY(%s)",
            [now, reference, ids],
        )
        execute(
            """UPDATE orders_order o SET refunded_minor = greatest(o.refunded_minor, p.total)
               FROM (SELECT order_id, sum(total_minor)::bigint AS total FROM orders_refund
                     WHERE status = 'paid' AND order_id IN (SELECT order_id FROM orders_refund WHERE id = ANY(%s))
                     GROUP BY 1) p WHERE o.id = p.order_id""",
            [ids],
        )
        case_ids = _cases_of(ids)
        _book_refunds_only(case_ids, now=now)
        close_done(case_ids, actor=actor, now=now)

    return _change(refund_ids, "paid", ("approved",), work, actor=actor, now=now)


def _book_refunds_only(case_ids: Collection[int], *, now: datetime) -> None:
    """Book what was paid back without goods, as a return of money alone; not of a cancelled order, which is no sale."""
    rows = fetch_all(
        """SELECT c.id, s.code, o.external_id, c.currency, r.total_minor, c.customer_id, c.is_simulated
           FROM orders_returncase c JOIN orders_refund r ON r.case_id = c.id AND r.status = 'paid'
           JOIN orders_order o ON o.id = c.order_id JOIN channels_shop s ON s.id = c.shop_id
           WHERE c.id = ANY(%s) AND c.kind = 'refund_only' AND c.return_doc_id IS NULL AND o.status <> 'cancelled'
           ORDER BY c.id""",
        [sorted(case_ids)],
    )
    docs = [
        ReturnDoc(
            shop_code=shop,
            external_id=f"AS{case_id}",
            returned_at=now,
            currency=currency,
            lines=[LineDoc("charge", "refund_only", "Refund without a return", 1, -total)],
            order_external_id=number,
            is_simulated=is_simulated,
        )
        for case_id, shop, number, currency, total, _, is_simulated in rows
    ]
    ids = book_returns(docs, actor="aftersale", now=now, is_restocked=False)
    execute(
        """WITH booked AS (
             UPDATE orders_returncase c SET return_doc_id = n.return_id
             FROM unnest(%s::bigint[], %s::bigint[]) AS n(id, return_id) WHERE c.id = n.id
             RETURNING c.return_doc_id, c.customer_id)
           UPDATE orders_return r SET customer_id = b.customer_id FROM booked b WHERE r.id = b.return_doc_id""",
        [[row[0] for row in rows], ids],
    )


def fail_refunds(refund_ids: Sequence[int], reason: str, *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Note that refunds were refused or could not be paid; the outcome of each. ``propose_again`` makes new ones.

    What they took of the limit of their orders is free again. Raises Refusal refund.reason.
    """
    reason = checked_text(reason, "refund.reason")

    def work(ids: list[int]) -> None:
        execute("UPDATE orders_refund SET status = 'failed', failure = %s WHERE id = ANY(%s)", [reason, ids])
        execute(
            """UPDATE orders_refundlimit l SET refunded_minor = l.refunded_minor - p.total
               FROM (SELECT order_id, sum(total_minor)::bigint AS total FROM orders_refund WHERE id = ANY(%s)
                     GROUP BY 1) p WHERE l.order_id = p.order_id""",
            [ids],
        )

    return _change(refund_ids, "failed", ("proposed", "approved"), work, actor=actor, now=now)


def propose_again(case_ids: Sequence[int], *, actor: str, now: datetime) -> list[CaseOutcome]:
    """Propose a new refund for cases whose last one failed; the outcome of each. Up to the quote it is approved."""

    def work() -> list[CaseOutcome]:
        cases = lock_cases(case_ids)
        rows = fetch_all(
            """SELECT r.case_id, bool_and(r.status = 'failed') FROM orders_refund r WHERE r.case_id = ANY(%s)
               GROUP BY 1""",
            [sorted(cases)],
        )
        failed = {case_id for case_id, has_failed in rows if has_failed}
        again = [cases[i] for i in sorted(failed) if cases[i].kind != "exchange"]
        propose([(case, accepted_units(case)) for case in again], actor=actor, now=now)
        done = {case.id for case in again}
        return [
            CaseOutcome(i, "done", cases[i].status)
            if i in done
            else CaseOutcome(i, "refused", code="refund.again", reason=f"Case AS{i} has no refund that failed.")
            for i in case_ids
        ]

    return run_in_transaction(work)


def accepted_units(case: Case) -> dict[int, int]:
    """Units by line number that the buyer does not get back: all of them before an inspection."""
    sent_back = dict(
        fetch_all(
            """SELECT l.line_no, sum(i.qty)::int FROM orders_returninspection i
               JOIN orders_returncaseline l ON l.id = i.case_line_id
               WHERE l.case_id = %s AND i.disposition = 'back' GROUP BY 1""",
            [case.id],
        )
    )
    units = {line_no: qty - sent_back.get(line_no, 0) for line_no, qty in case.units.items()}
    return {line_no: qty for line_no, qty in units.items() if qty}


def close_done(case_ids: Collection[int], *, actor: str, now: datetime) -> None:
    """Close those of ``case_ids`` that nothing is left to do for; the caller holds them."""
    rows = fetch_all(
        """SELECT c.id FROM orders_returncase c WHERE c.id = ANY(%s)
             AND (c.status = 'inspected' OR (c.status = 'approved' AND c.kind IN ('refund_only', 'claim')))
             AND NOT EXISTS (SELECT FROM orders_refund r
                             WHERE r.case_id = c.id AND r.status IN ('proposed', 'approved'))
             AND (c.kind <> 'refund_only' OR EXISTS (SELECT FROM orders_refund r
                                                     WHERE r.case_id = c.id AND r.status = 'paid'))""",
        [sorted(case_ids)],
    )
    cases = lock_cases([case_id for (case_id,) in rows])
    move(list(cases.values()), "closed", due_at=None, actor=actor, now=now)


def _cases_of(refund_ids: Collection[int]) -> list[int]:
    rows = fetch_all("SELECT DISTINCT case_id FROM orders_refund WHERE id = ANY(%s) ORDER BY 1", [sorted(refund_ids)])
    return [case_id for (case_id,) in rows]


def _change(
    refund_ids: Sequence[int], status: str, from_statuses: Collection[str], work: Any, *, actor: str, now: datetime
) -> list[CaseOutcome]:
    """Lock the orders and cases of refunds, run ``work`` with the ids of those in ``from_statuses``, and tell of it."""

    def run() -> list[CaseOutcome]:
        cases = lock_cases(_cases_of(refund_ids))
        rows = fetch_all(
            "SELECT id, status, case_id FROM orders_refund WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [sorted(set(refund_ids))],
        )
        found = {refund_id: (stands, case_id) for refund_id, stands, case_id in rows}
        ids = [refund_id for refund_id, (stands, _) in found.items() if stands in from_statuses]
        if ids:
            work(ids)
            changed = [cases[found[i][1]] for i in ids]
            tell(changed, f"refund_{status}", actor=actor, now=now, data={"refunds": ids})
            log_refunds(ids, status)
            log_changed(list(lock_orders({case.order_id for case in changed}).values()), route=False)
            audit_many([Note(f"refund.{status}", "refund", str(i)) for i in ids], actor=actor, now=now)
        return [_outcome(i, found, ids, status, from_statuses) for i in refund_ids]

    return run_in_transaction(run)


def _outcome(
    refund_id: int,
    found: Mapping[int, tuple[str, int]],
    changed: Collection[int],
    status: str,
    from_statuses: Collection[str],
) -> CaseOutcome:
    if refund_id not in found:
        return CaseOutcome(None, "refused", code="refund.unknown", reason=f"There is no refund {refund_id}.")
    stands, case_id = found[refund_id]
    if refund_id in changed:
        return CaseOutcome(case_id, "done", status)
    if stands == status:
        return CaseOutcome(case_id, "unchanged", status)
    sentence = f"Refund {refund_id} is {stands}; it can be {status} only while it is {' or '.join(from_statuses)}."
    return CaseOutcome(case_id, "refused", stands, "refund.status", sentence)
