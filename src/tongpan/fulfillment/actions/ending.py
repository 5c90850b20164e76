"""Ending the wait of orders that nobody found goods or a node for."""

from __future__ import annotations

from datetime import datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions.changing import cancel_orders
from tongpan.fulfillment.routing.choosing import policies_that_count
from tongpan.fulfillment.stockout.engine import PREORDER

_AT_ONCE = 500


def cancel_waiting(*, actor: str, now: datetime) -> int:
    """Cancel paid orders that have waited for goods or a node for as many days as their policy allows.

    An order whose buyer agreed to wait (tag "pre-order") is left alone. Returns how many were cancelled. Each 500
    are a transaction; locks as ``cancel_orders``.
    """
    policies = policies_that_count()
    allowed = [policy.after.auto_cancel_days for policy in policies.all if policy.after.auto_cancel_days]
    if not allowed:
        return 0
    rows = fetch_all(
        """SELECT o.id, o.channel_id, o.shop_id, min(h.opened_at)
           FROM orders_hold h JOIN orders_order o ON o.id = h.order_id
           WHERE h.released_at IS NULL AND h.reason IN ('out_of_stock', 'no_node') AND o.status = 'paid'
             AND h.opened_at <= %s
             AND NOT EXISTS (SELECT FROM orders_ordertag t WHERE t.order_id = o.id AND t.tag = %s)
           GROUP BY 1 ORDER BY 1""",
        [now - timedelta(days=min(allowed)), PREORDER],
    )
    over: dict[int, list[int]] = {}
    for order_id, channel_id, shop_id, since in rows:
        days = policies.of(channel_id, shop_id).after.auto_cancel_days
        if days and since <= now - timedelta(days=days):
            over.setdefault(days, []).append(order_id)
    done = 0
    for days, order_ids in sorted(over.items()):
        for start in range(0, len(order_ids), _AT_ONCE):
            some = [(order_id, None) for order_id in order_ids[start : start + _AT_ONCE]]
            reason = f"No goods were found in {days} days."
            done += sum(one.state == "done" for one in cancel_orders(some, reason, actor=actor, now=now))
    return done
