"""Orders of groups (PRM-09): held until the group is formed; called off and paid back when it is not.

Both are jobs that may run any number of times: what is settled is not touched again.
"""

from __future__ import annotations

from datetime import datetime

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.cancelling import cancel_locked
from tongpan.orders.actions.holding import blocked_orders
from tongpan.orders.actions.locking import bump, lock_orders, log_changed
from tongpan.orders.aftersale.actions.calling_off import refund_called_off
from tongpan.promotions.activities.groups import end_groups, settle_places, unsettled

REASON = "the group was not formed in time"


def hold_for_group(order_id: int, *, actor: str, now: datetime) -> None:
    """Hold an order that took a place in a group, in the transaction that places it. One statement."""
    execute(
        """INSERT INTO orders_hold (order_id, reason, detail, opened_at, opened_by, released_by)
           SELECT p.order_id, 'group', g.code, %s, %s, '' FROM promotions_groupplace p
           JOIN promotions_group g ON g.id = p.group_id WHERE p.order_id = %s ON CONFLICT DO NOTHING""",
        [now, actor, order_id],
    )


def settle_groups(*, actor: str, now: datetime) -> int:
    """Let go the orders of formed groups, call off those of groups that are over; of how many orders.

    Each batch of 500 is one transaction. Locks orders in ascending order of id, then pools, then groups.
    """
    run_in_transaction(lambda: end_groups(now=now))
    done = 0
    while count := run_in_transaction(lambda: _let_go(actor=actor, now=now)):
        done += count
    while count := run_in_transaction(lambda: _call_off(actor=actor, now=now)):
        done += count
    return done


def _let_go(*, actor: str, now: datetime) -> int:
    order_ids = unsettled("formed")
    if not order_ids:
        return 0
    locked = lock_orders(order_ids)
    freed = {
        order_id
        for (order_id,) in fetch_all(
            """UPDATE orders_hold SET released_at = %s, released_by = %s, release_note = 'the group is formed'
               WHERE order_id = ANY(%s) AND reason = 'group' AND released_at IS NULL RETURNING order_id""",
            [now, actor, sorted(locked)],
        )
    }
    bump(freed)
    blocked = blocked_orders(freed)
    log_changed([locked[i] for i in sorted(freed & blocked)], route=False)
    log_changed([locked[i] for i in sorted(freed - blocked)], route=True)
    settle_places(order_ids)
    return len(order_ids)


def _call_off(*, actor: str, now: datetime) -> int:
    order_ids = unsettled("expired")
    if not order_ids:
        return 0
    locked = lock_orders(order_ids)
    open_orders = [locked[i] for i in sorted(locked) if locked[i].status in ("placed", "paid")]
    cancel_locked(open_orders, REASON, actor=actor, now=now)
    refund_called_off([order.id for order in open_orders if order.status == "paid"], REASON, actor=actor, now=now)
    settle_places(order_ids)
    return len(order_ids)
