"""Looking at goods that came back: where they go, what is refunded for them, and what is sent instead."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from tongpan.catalog.kits import parts_of
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.inventory.engine import Delta
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.actions.returns import book_returns
from tongpan.orders.aftersale.actions.receiving import CAUSE, stock_at
from tongpan.orders.aftersale.actions.refunding import close_done, propose
from tongpan.orders.aftersale.actions.replacing import price_of, send_instead
from tongpan.orders.aftersale.cases import Case, in_step, lock_cases, move, release_units
from tongpan.orders.aftersale.engine import LineRefund, RefundShares
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome
from tongpan.orders.aftersale.facts import load
from tongpan.orders.aftersale.planning import shares_of, terms_of
from tongpan.orders.aftersale.policies import policies_of
from tongpan.orders.aftersale.specs import Found
from tongpan.orders.engine import LineDoc, ReturnDoc

DISPOSITIONS = ("saleable", "damaged", "inspection", "scrap", "back")


def inspect(
    case_id: int, found: Sequence[Found], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> CaseOutcome:
    """Book what someone found when they looked at the goods of a received case.

    Every unit has to be named once. Goods move from the inspection bucket of the node that has them to where they
    belong; those that go back to the buyer are not refunded and may be asked back again. What is accepted is refunded
    (unless it was at once), the return is booked for the books and the lake, and an exchange sends its goods.
    nodes: at which the person works, None for all. Locks the order, the case, then the pools in ascending order.
    Raises Refusal inspect.* when the units do not add up or a note is too long.
    """

    def work() -> CaseOutcome:
        cases = lock_cases([case_id])
        ready, others = in_step([case_id], cases, "inspected", ("received",))
        if not ready:
            return others[case_id]
        case = ready[0]
        if nodes is not None and case.node_id not in nodes:
            raise Refusal("return.node", f"The goods of case AS{case.id} are at a node where you do not work.")
        _check(case, found)
        accepted = _accepted(case, found)
        _write(case, found, actor=actor, now=now)
        _lock_goods(case)
        _move_stock(case, found, actor=actor, now=now)
        hours = policies_of({case.policy_version})[case.policy_version].refund_hours
        data = {"found": [[f.line_no, f.disposition, f.qty] for f in found]}
        due_at = now + timedelta(hours=hours)
        move([case], "inspected", due_at=due_at, actor=actor, now=now, node_id=case.node_id, data=data)
        release_units(_sent_back(case, found))
        if accepted:
            refund = _refund(case, accepted, actor=actor, now=now)
            _book(case, accepted, refund, is_restocked=any(f.disposition == "saleable" for f in found), now=now)
        close_done([case.id], actor=actor, now=now)
        return CaseOutcome(case.id, "done", case.status if not _is_closed(case.id) else "closed")

    return run_in_transaction(work)


def _is_closed(case_id: int) -> bool:
    return bool(fetch_all("SELECT FROM orders_returncase WHERE id = %s AND status = 'closed'", [case_id]))


def _check(case: Case, found: Sequence[Found]) -> None:
    for f in found:
        checked_text(f.note, "inspect.note")
        if f.disposition not in DISPOSITIONS:
            raise Refusal(
                "inspect.disposition",
                f"There is no disposition {f.disposition!r}; there are {', '.join(DISPOSITIONS)}.",
            )
        if f.qty < 1:
            raise Refusal("inspect.units", f"Line {f.line_no}: name at least one unit of each kind.")
    units: Counter[int] = Counter()
    for f in found:
        units[f.line_no] += f.qty
    for line_no, qty in case.units.items():
        if units[line_no] != qty:
            raise Refusal(
                "inspect.units",
                f"Line {line_no} of case AS{case.id} has {qty} units; {units[line_no]} are named. Name each unit once.",
            )
    if extra := sorted(set(units) - set(case.units)):
        raise Refusal("inspect.units", f"Case AS{case.id} has no line {extra[0]}.")
    if case.is_instant and any(f.disposition == "back" for f in found):
        raise Refusal(
            "inspect.refunded", f"Case AS{case.id} is refunded already; its goods cannot go back to the buyer."
        )


def _accepted(case: Case, found: Sequence[Found]) -> dict[int, int]:
    units = Counter(case.units)
    for f in found:
        if f.disposition == "back":
            units[f.line_no] -= f.qty
    return {line_no: qty for line_no, qty in units.items() if qty > 0}


def _sent_back(case: Case, found: Sequence[Found]) -> dict[int, int]:
    ids = {line.line_no: line.order_line_id for line in case.lines}
    units: Counter[int] = Counter()
    for f in found:
        if f.disposition == "back":
            units[ids[f.line_no]] += f.qty
    return dict(units)


def _write(case: Case, found: Sequence[Found], *, actor: str, now: datetime) -> None:
    ids = {line.line_no: line.id for line in case.lines}
    copy_rows(
        "orders_returninspection",
        ("case_line_id", "disposition", "qty", "note", "actor", "at"),
        [(ids[f.line_no], f.disposition, f.qty, f.note.strip(), actor, now) for f in found],
    )


def _lock_goods(case: Case) -> None:
    """Lock the pools of what came back and of what is sent instead, all at once: they are locked in one order."""
    skus = {line.sku_id for line in case.lines} | {line.wanted_sku_id for line in case.lines if line.wanted_sku_id}
    lock_pools({*skus, *(part for parts in parts_of(skus).values() for part, _ in parts)})


def _move_stock(case: Case, found: Sequence[Found], *, actor: str, now: datetime) -> None:
    if not any(stock_at(case).values()):
        return
    skus = {line.line_no: line.sku_id for line in case.lines}
    parts = parts_of(set(skus.values()))
    # One movement for each bucket: what is scrapped and what goes back leaves the same bucket for the same cause.
    moved: dict[tuple[int, str], int] = defaultdict(int)
    for f in found:
        if f.disposition == "inspection":
            continue
        for part_id, units in parts.get(skus[f.line_no], [(skus[f.line_no], 1)]):
            moved[part_id, "inspection"] -= f.qty * units
            if f.disposition in {"saleable", "damaged"}:
                moved[part_id, f.disposition] += f.qty * units
    words = ", ".join(sorted({f.disposition for f in found}))
    post(
        [
            Delta(sku_id, case.node_id, bucket, "inspected", qty, 0, 0, CAUSE, case.id, now, words)
            for (sku_id, bucket), qty in sorted(moved.items())
        ],
        actor=actor,
    )


def _refund(case: Case, accepted: Mapping[int, int], *, actor: str, now: datetime) -> RefundShares:
    """The refund of what was accepted; of one that was made at once, what it gave."""
    if case.is_instant:
        return _made(case)
    credit = 0
    if case.kind == "exchange":
        policy = policies_of({case.policy_version})[case.policy_version]
        facts = load({case.order_id}, policy)[case.order_id]
        terms = terms_of(policy, case.answer, facts, case.way, case.kind)
        credit = shares_of(facts, accepted, terms).total_minor
    lines = [line for line in case.lines if accepted.get(line.line_no)]
    used = min(credit, price_of(case, lines, credit))
    refund = propose([(case, accepted)], actor=actor, now=now, used={case.id: used})[case.id]
    if case.kind == "exchange":
        send_instead(case, dict(accepted), credit, actor=actor, now=now)
        if used == refund.total_minor and used:
            # Nothing is left to be paid back: the goods sent instead are the refund.
            execute(
                """UPDATE orders_refund SET status = 'paid', approved_at = %s, approved_by = %s, paid_at = %s,
                          reference = 'exchange' WHERE case_id = %s AND status <> 'failed'""",
                [now, actor, now, case.id],
            )
    return refund


def _made(case: Case) -> RefundShares:
    heads = fetch_all(
        """SELECT withheld_minor, deducted_minor, cut_minor, total_minor FROM orders_refund
           WHERE case_id = %s AND status <> 'failed'""",
        [case.id],
    )
    withheld, deducted, cut, total = heads[0] if heads else (0, 0, 0, 0)
    rows = fetch_all(
        """SELECT l.order_line_id, l.qty, l.buyer_minor FROM orders_refund r JOIN orders_refundline l
             ON l.refund_id = r.id WHERE r.case_id = %s AND r.status <> 'failed' ORDER BY l.id""",
        [case.id],
    )
    back = [LineRefund(line_id, qty, amount, ()) for line_id, qty, amount in rows if qty]
    charges = [(line_id, amount) for line_id, qty, amount in rows if not qty]
    return RefundShares(back, charges, withheld, deducted, cut, total, ())


def _book(case: Case, accepted: Mapping[int, int], refund: RefundShares, *, is_restocked: bool, now: datetime) -> None:
    """Book the return by the same door as every other, so that the books and the lake see it once."""
    if case.return_doc_id is not None:
        if is_restocked:
            execute("UPDATE orders_return SET status = 'restocked' WHERE id = %s", [case.return_doc_id])
        return
    amounts = {row[0]: row[2] for row in refund.lines}
    lines = [
        LineDoc("goods", line.sku, line.name, accepted[line.line_no], -amounts.get(line.order_line_id, 0))
        for line in case.lines
        if accepted.get(line.line_no)
    ]
    lines += [LineDoc("charge", code, name, 1, amount) for code, name, amount in charges_of(refund)]
    doc = ReturnDoc(
        shop_code=case.shop,
        external_id=f"AS{case.id}",
        returned_at=case.received_at or now,
        currency=case.currency,
        lines=lines,
        order_external_id=case.number,
        is_simulated=case.is_simulated,
    )
    return_id = book_returns([doc], actor="aftersale", now=now, is_restocked=is_restocked)[0]
    execute("UPDATE orders_returncase SET return_doc_id = %s WHERE id = %s", [return_id, case.id])
    execute("UPDATE orders_return SET customer_id = %s WHERE id = %s", [case.customer_id, return_id])


def charges_of(refund: RefundShares) -> list[tuple[str, str, int]]:
    """What a refund gives back or keeps beside its goods, as (code, name, signed minor units) of a booked return."""
    back = sum(amount for _, amount in refund.charges)
    found = [
        ("charges_refunded", "Charges refunded", -back),
        ("gift_kept", "Gift kept", refund.withheld_minor),
        ("way_back", "Way back paid by the buyer", refund.deducted_minor),
        ("refunded_by_channel", "Refunded by the channel before", refund.cut_minor),
    ]
    return [(code, name, amount) for code, name, amount in found if amount]
