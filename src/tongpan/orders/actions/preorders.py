"""Writes of pre-orders: offered up to a cap, taken, held by a deposit, served in turn, ended.

Locks orders, then offers, then pools, each in ascending order of id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.core.races import run_in_transaction
from tongpan.inventory.actions import reserve
from tongpan.inventory.engine import Demand
from tongpan.orders.actions.closing import close_unpaid
from tongpan.orders.actions.locking import bump, lock_orders, log_changed, record
from tongpan.orders.preordering import OfferSpec, balance_due, deposit_of, offer_problem

_AT_ONCE = 500


def save_offers(specs: Sequence[OfferSpec], *, actor: str, now: datetime) -> int:
    """Put offers in force, all of them or none; how many. One offer for a SKU and channel: a later one replaces it.

    Raises Refusal preorder.offer, preorder.sku, preorder.channel, preorder.twice, or preorder.cap when more has been
    taken already than the new cap allows.
    """
    return run_in_transaction(lambda: _save(specs, actor=actor, now=now))


def _save(specs: Sequence[OfferSpec], *, actor: str, now: datetime) -> int:
    for spec in specs:
        if problem := offer_problem(spec):
            raise Refusal("preorder.offer", problem)
    if len({(spec.sku_code, spec.channel_code) for spec in specs}) < len(specs):
        raise Refusal("preorder.twice", "Name each SKU once for a channel.")
    skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [[s.sku_code for s in specs]]))
    channels: dict[str, int | None] = dict(
        fetch_all("SELECT code, id FROM channels_channel WHERE code = ANY(%s)", [[s.channel_code for s in specs]])
    )
    channels[""] = None
    for spec in specs:
        if spec.sku_code not in skus:
            raise Refusal("preorder.sku", f"There is no SKU {spec.sku_code!r}.")
        if spec.channel_code not in channels:
            raise Refusal("preorder.channel", f"There is no channel {spec.channel_code!r}.")
    keys = [[skus[s.sku_code] for s in specs], [channels[s.channel_code] for s in specs]]
    taken = fetch_all(
        """SELECT k.at, o.taken FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS k(sku_id, channel_id, at)
           JOIN orders_preorderoffer o ON o.sku_id = k.sku_id AND o.channel_id IS NOT DISTINCT FROM k.channel_id
           ORDER BY o.id FOR UPDATE OF o""",
        keys,
    )
    for at, units in taken:
        spec = specs[at - 1]
        if units > spec.cap:
            raise Refusal("preorder.cap", f"{units} units of {spec.sku_code} have been taken already; the cap is more.")
    rows = fetch_all(
        """INSERT INTO orders_preorderoffer (sku_id, channel_id, cap, taken, deposit_percent, deposit_minor,
                                             expected_at, balance_hours, balance_due_at, is_open, changed_at)
           SELECT k.sku_id, k.channel_id, k.cap, 0, k.percent, k.minor, k.expected_at, k.hours, k.due_at, k.is_open, %s
           FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::timestamptz[], %s::int[],
                       %s::timestamptz[], %s::bool[])
                AS k(sku_id, channel_id, cap, percent, minor, expected_at, hours, due_at, is_open)
           ON CONFLICT (sku_id, channel_id) DO UPDATE SET
               cap = excluded.cap, deposit_percent = excluded.deposit_percent, deposit_minor = excluded.deposit_minor,
               expected_at = excluded.expected_at, balance_hours = excluded.balance_hours,
               balance_due_at = excluded.balance_due_at, is_open = excluded.is_open, changed_at = excluded.changed_at
           RETURNING id""",
        [
            now,
            *keys,
            [s.cap for s in specs],
            [s.deposit_percent for s in specs],
            [s.deposit_minor for s in specs],
            [s.expected_at for s in specs],
            [s.balance_hours for s in specs],
            [s.balance_due_at for s in specs],
            [s.is_open for s in specs],
        ],
    )
    audit_many([Note("preorder.offered", "preorder_offer", str(i)) for (i,) in rows], actor=actor, now=now)
    return len(rows)


class _Wish(NamedTuple):
    """Units of a SKU that an order wants, their amount, and the offer that they may be taken of."""

    sku_code: str
    qty: int
    amount_minor: int
    offer_id: int | None
    percent: int
    unit_minor: int | None


def take_preorder(
    order_id: int,
    *,
    deposit_due_at: datetime | None,
    actor: str,
    now: datetime,
    sku_ids: Collection[int] | None = None,
) -> int:
    """Let an order, which the caller holds, wait for goods that come later; the deposit in minor units.

    Its units count against the cap of the offer of its channel, else of that of every channel. Without a deposit to
    pay, or when the order is paid, it is held at once; else until ``deposit_due_at``. sku_ids: only these of its
    goods are taken, and only where there is an offer. An order that is one already is unchanged. Locks the offers.
    Raises Refusal preorder.none for goods that are on no offer, or preorder.full when the cap is reached.
    """
    known = fetch_all("SELECT deposit_minor FROM orders_preorder WHERE order_id = %s", [order_id])
    if known:
        return int(known[0][0])
    wishes = [
        _Wish(*row)
        for row in fetch_all(
            """SELECT s.code, w.qty, w.amount, o.id, o.deposit_percent, o.deposit_minor
               FROM (SELECT l.sku_id, d.channel_id, sum(l.qty)::bigint AS qty, sum(l.amount_minor)::bigint AS amount
                     FROM orders_orderline l JOIN orders_order d ON d.id = l.order_id
                     WHERE l.order_id = %s AND l.kind = 'goods' AND l.qty > 0 GROUP BY 1, 2) w
               JOIN catalog_sku s ON s.id = w.sku_id
               LEFT JOIN LATERAL (
                 SELECT * FROM orders_preorderoffer f WHERE f.sku_id = w.sku_id AND f.is_open
                   AND (f.channel_id = w.channel_id OR f.channel_id IS NULL)
                 ORDER BY f.channel_id NULLS LAST LIMIT 1) o ON true
               WHERE %s::bigint[] IS NULL OR w.sku_id = ANY(%s::bigint[]) ORDER BY o.id""",
            [order_id, *([None if sku_ids is None else sorted(sku_ids)] * 2)],
        )
    ]
    if sku_ids is not None:
        wishes = [wish for wish in wishes if wish.offer_id is not None]
    if missing := [wish.sku_code for wish in wishes if wish.offer_id is None]:
        raise Refusal("preorder.none", f"SKU {missing[0]} is not on offer before it is there.")
    if not wishes:
        return 0
    _count(wishes)
    deposit = sum(deposit_of(wish.amount_minor, wish.qty, wish.percent, wish.unit_minor) for wish in wishes)
    execute(
        """WITH made AS (
             INSERT INTO orders_preorder (order_id, state, deposit_minor, placed_at, deposit_due_at, deposit_paid_at)
             SELECT o.id, CASE WHEN k.is_held THEN 'held' ELSE 'asked' END, %(deposit)s, o.placed_at,
                    CASE WHEN k.is_held THEN NULL ELSE %(due)s::timestamptz END,
                    CASE WHEN k.is_held THEN coalesce(o.paid_at, %(now)s) END
             FROM orders_order o CROSS JOIN LATERAL (
               SELECT o.status <> 'placed' OR %(deposit)s = 0 OR %(due)s::timestamptz IS NULL AS is_held) k
             WHERE o.id = %(order)s RETURNING order_id)
           INSERT INTO orders_preorderline (preorder_id, offer_id, qty)
           SELECT made.order_id, k.* FROM made CROSS JOIN unnest(%(offers)s::bigint[], %(units)s::bigint[]) AS k""",
        {
            "deposit": deposit,
            "due": deposit_due_at,
            "now": now,
            "order": order_id,
            "offers": [wish.offer_id for wish in wishes],
            "units": [wish.qty for wish in wishes],
        },
    )
    record([(order_id, "preordered", f'{{"deposit": {deposit}}}')], actor=actor)
    return deposit


def _count(wishes: Sequence[_Wish]) -> None:
    """Count what is wanted against the caps, under lock. The caller's transaction ends when one is reached."""
    ids = [wish.offer_id for wish in wishes]
    left = dict(
        fetch_all("SELECT id, cap - taken FROM orders_preorderoffer WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
    )
    for wish in wishes:
        if wish.qty > left[wish.offer_id]:
            raise Refusal(
                "preorder.full",
                f"Only {left[wish.offer_id]} units of {wish.sku_code} may still be ordered ahead, not {wish.qty}.",
            )
    execute(
        """UPDATE orders_preorderoffer o SET taken = o.taken + k.qty
           FROM unnest(%s::bigint[], %s::bigint[]) AS k(id, qty) WHERE o.id = k.id""",
        [ids, [wish.qty for wish in wishes]],
    )


def pay_deposit(order_id: int, method: str, amount_minor: int, *, actor: str, now: datetime) -> int:
    """Note that the deposit of a pre-order is paid: its place in the queue is held from now on; its revision.

    Paid once already: nothing changes. Locks the order. Raises Refusal order.unknown, preorder.unknown,
    preorder.late when its time is over, or payment.amount when it is not the deposit.
    """

    def work() -> int:
        order = lock_orders([order_id]).get(order_id)
        if order is None:
            raise Refusal("order.unknown", f"There is no order {order_id}.")
        rows = fetch_all(
            """SELECT p.state, p.deposit_minor, p.deposit_due_at, o.currency FROM orders_preorder p
               JOIN orders_order o ON o.id = p.order_id WHERE p.order_id = %s FOR UPDATE OF p""",
            [order_id],
        )
        if not rows:
            raise Refusal("preorder.unknown", f"Order {order.number} is no pre-order.")
        state, deposit, due_at, currency = rows[0]
        if state in ("held", "served"):
            return order.revision
        if state == "ended" or order.status != "placed" or due_at <= now:
            raise Refusal("preorder.late", f"The time to pay the deposit of order {order.number} is over.")
        if amount_minor != deposit:
            raise Refusal(
                "payment.amount", f"The deposit of order {order.number} is {to_decimal(deposit, currency)} {currency}."
            )
        execute(
            """WITH held AS (UPDATE orders_preorder SET state = 'held', deposit_paid_at = %s WHERE order_id = %s),
                    paid AS (UPDATE orders_order SET paid_minor = %s, hold_until = NULL WHERE id = %s)
               INSERT INTO orders_payment (order_id, seq, method, amount_minor, paid_at)
               VALUES (%s, 1, %s, %s, %s)""",
            [now, order_id, amount_minor, order_id, order_id, method[:40], amount_minor, now],
        )
        record([(order_id, "deposit_paid", f'{{"amount": {amount_minor}}}')], actor=actor)
        log_changed([order], route=False)
        return bump([order_id])[order_id]

    return run_in_transaction(work)


def serve_preorders(sku_ids: Collection[int], *, actor: str, now: datetime) -> list[int]:
    """Promise what has come of ``sku_ids`` to the pre-orders that wait for it; the ids of those that are served.

    The rule of release: who paid the deposit first is served first, and whole or not at all. An order that is paid
    keeps its goods for good and is routed; another one until its balance is due. Locks the orders, then the pools. The
    statements grow with the pre-orders that wait, by a constant for each 500.
    """
    return run_in_transaction(lambda: _serve(sku_ids, actor=actor, now=now)) if sku_ids else []


def _serve(sku_ids: Collection[int], *, actor: str, now: datetime) -> list[int]:
    served: list[int] = []
    after: tuple[datetime | None, int] = (None, 0)
    while waiting := _waiting(sku_ids, after):
        after = waiting[-1][1], waiting[-1][0]
        served += _serve_some(waiting, actor=actor, now=now)
    return served


def _waiting(sku_ids: Collection[int], after: tuple[datetime | None, int]) -> list[tuple[int, datetime, int, datetime]]:
    """(order id, deposit paid at, hours for the balance, balance not due before) of the next in the queue."""
    return fetch_all(
        """SELECT p.order_id, p.deposit_paid_at, max(f.balance_hours), max(f.balance_due_at)
           FROM orders_preorder p JOIN orders_preorderline l ON l.preorder_id = p.order_id
           JOIN orders_preorderoffer f ON f.id = l.offer_id
           WHERE p.state = 'held' AND (%s::timestamptz IS NULL OR (p.deposit_paid_at, p.order_id) > (%s, %s))
             AND EXISTS (SELECT FROM orders_preorderline x JOIN orders_preorderoffer y ON y.id = x.offer_id
                         LEFT JOIN catalog_kitpart k ON k.kit_id = y.sku_id
                         WHERE x.preorder_id = p.order_id AND coalesce(k.part_id, y.sku_id) = ANY(%s::bigint[]))
           GROUP BY 1, 2 ORDER BY p.deposit_paid_at, p.order_id LIMIT %s""",
        [after[0], after[0], after[1], whole_numbers(sku_ids), _AT_ONCE],
    )


def _serve_some(waiting: Sequence[tuple[int, datetime, int, datetime]], *, actor: str, now: datetime) -> list[int]:
    locked = lock_orders([row[0] for row in waiting])
    due = {
        order_id: balance_due(now, hours, not_before)
        for order_id, _paid_at, hours, not_before in waiting
        if locked[order_id].status == "placed"
    }
    demands = [
        Demand(*row)
        for row in fetch_all(
            """SELECT l.order_id, l.id, coalesce(k.part_id, l.sku_id), l.qty * coalesce(k.qty, 1), o.channel_id
               FROM orders_preorder p JOIN orders_order o ON o.id = p.order_id
               JOIN orders_orderline l ON l.order_id = o.id AND l.kind = 'goods' AND l.qty > 0
               LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
               WHERE p.order_id = ANY(%s) AND o.status IN ('placed', 'paid')
                 AND NOT EXISTS (SELECT FROM inventory_reservation r WHERE r.order_line_id = l.id
                                 AND r.state IN ('held', 'allocated', 'shipped'))
               ORDER BY p.deposit_paid_at, p.order_id, l.line_no, k.part_id""",
            [sorted(locked)],
        )
    ]
    refused: Mapping[int, object] = reserve(demands, actor=actor, now=now, expires_at=due)
    served = [order_id for order_id, *_ in waiting if order_id not in refused]
    execute(
        """UPDATE orders_preorder p SET state = 'served', served_at = %s, balance_due_at = k.due
           FROM unnest(%s::bigint[], %s::timestamptz[]) AS k(id, due) WHERE p.order_id = k.id""",
        [now, served, [due.get(order_id) for order_id in served]],
    )
    execute(
        """UPDATE orders_order o SET hold_until = k.due
           FROM unnest(%s::bigint[], %s::timestamptz[]) AS k(id, due) WHERE o.id = k.id AND o.status = 'placed'""",
        [served, [due.get(order_id) for order_id in served]],
    )
    record([(order_id, "goods_held", "{}") for order_id in served], actor=actor)
    log_changed([locked[order_id] for order_id in served if locked[order_id].status == "paid"], route=True)
    return served


def settle_preorders(order_ids: Collection[int], *, now: datetime) -> int:
    """Give back to their offers what cancelled ones of ``order_ids`` had taken; how many ended. Locks the offers."""

    def work() -> int:
        ended = fetch_all(
            """UPDATE orders_preorder p SET state = 'ended', ended_at = %s FROM orders_order o
               WHERE o.id = p.order_id AND p.order_id = ANY(%s) AND p.state <> 'ended' AND o.status = 'cancelled'
               RETURNING p.order_id""",
            [now, sorted(order_ids)],
        )
        if ended:
            gone = [order_id for (order_id,) in ended]
            fetch_all(
                """SELECT id FROM orders_preorderoffer
                   WHERE id IN (SELECT offer_id FROM orders_preorderline WHERE preorder_id = ANY(%s))
                   ORDER BY id FOR UPDATE""",
                [gone],
            )
            execute(
                """UPDATE orders_preorderoffer f SET taken = f.taken - k.qty
                   FROM (SELECT offer_id, sum(qty) AS qty FROM orders_preorderline WHERE preorder_id = ANY(%s)
                         GROUP BY 1) k
                   WHERE f.id = k.offer_id""",
                [gone],
            )
        return len(ended)

    return run_in_transaction(work) if order_ids else 0


def close_late_preorders(*, actor: str, now: datetime) -> int:
    """Cancel the pre-orders whose deposit was not paid in time; how many."""
    late = fetch_all(
        """SELECT order_id FROM orders_preorder WHERE state = 'asked' AND deposit_due_at <= %s
           ORDER BY deposit_due_at LIMIT %s""",
        [now, _AT_ONCE],
    )
    return len(close_unpaid([order_id for (order_id,) in late], actor=actor, now=now))
