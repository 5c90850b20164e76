"""What promotions get back of orders that were refunded."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all, whole_numbers
from tongpan.core.races import run_in_transaction
from tongpan.promotions.actions.ordering import give_up, refund_releases


def release_refunded(order_ids: Collection[int], *, now: datetime) -> int:
    """Give back coupons, uses and budgets of those of ``order_ids`` that were refunded in full; of how many orders.

    Setting ``promotions``: {"refund_releases": "never"} keeps them taken. At most seven statements.
    """

    def work() -> int:
        if not order_ids or not refund_releases():
            return 0
        whole = fetch_all(
            """SELECT o.id FROM orders_order o WHERE o.id = ANY(%s::bigint[]) AND o.total_minor > 0
                 AND greatest(o.refunded_minor, (SELECT coalesce(sum(r.total_minor), 0) FROM orders_refund r
                                                 WHERE r.order_id = o.id AND r.status = 'paid')) >= o.total_minor""",
            [whole_numbers(sorted(order_ids))],
        )
        return give_up([order_id for (order_id,) in whole], now=now)

    return run_in_transaction(work)
