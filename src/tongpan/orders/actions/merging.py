"""Orders that are sent together: the part of the order hub (``fulfillment.actions.changing`` does the rest).

The orders stay what they are, with their own numbers, lines and money; what they share is what is shipped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from tongpan.access.vault import open_sealed
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.stored import stored
from tongpan.orders.contacts import phone_index, recipient_index

SETTING = "orders.merge"
DEFAULT_HOURS = 24
MOST_TOGETHER = 20


def merge_window() -> timedelta:
    """How far apart orders may be placed that are sent together (setting ``orders.merge``: {"hours": 24})."""
    return timedelta(hours=float((stored(SETTING) or {}).get("hours", DEFAULT_HOURS)))


def check_mergeable(order_ids: Sequence[int], window: timedelta) -> None:
    """Raise Refusal merge.few, merge.many, merge.unpaid, merge.split, merge.merged, merge.shop, merge.buyer,
    merge.address or merge.window unless the orders, which the caller holds, may be sent together."""
    if len(set(order_ids)) < 2:
        raise Refusal("merge.few", "Name at least two orders that are to be sent together.")
    if len(set(order_ids)) > MOST_TOGETHER:
        raise Refusal("merge.many", f"At most {MOST_TOGETHER} orders are sent together.")
    rows = fetch_all(
        """SELECT o.external_id, o.status, o.merge_id, o.shop_id, o.customer_id, o.placed_at, o.recipient_sealed,
                  o.ship_province, o.ship_city,
                  EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = o.id AND l.part > 1)
           FROM orders_order o WHERE o.id = ANY(%s) ORDER BY o.placed_at, o.id""",
        [list(order_ids)],
    )
    for number, status, merge_id, *_, is_split in rows:
        if status != "paid":
            raise Refusal("merge.unpaid", f"Order {number} is not paid yet.")
        if merge_id is not None:
            raise Refusal("merge.merged", f"Order {number} is sent together with others already; undo that first.")
        if is_split:
            raise Refusal("merge.split", f"Order {number} is split; join its parts first.")
    if len({row[3] for row in rows}) > 1:
        raise Refusal("merge.shop", "The orders are of several shops.")
    if len({row[4] for row in rows}) > 1 or rows[0][4] is None:
        raise Refusal("merge.buyer", "The orders are not all of one known buyer.")
    if len({_where(row[6], row[7], row[8]) for row in rows}) > 1:
        raise Refusal("merge.address", "The orders do not all go to one recipient at one address.")
    if rows[-1][5] - rows[0][5] > window:
        hours = f"{window.total_seconds() / 3600:g}"
        raise Refusal("merge.window", f"The orders were placed more than {hours} hours apart.")


def _where(sealed: bytes, province: str, city: str) -> tuple[str, ...]:
    """Where an order goes, however it is written. Masked texts compare as they are."""
    recipient, phone, address = json.loads(open_sealed(sealed)) if sealed else ("", "", "")
    return (
        recipient_index(recipient).hex() or recipient,
        phone_index(phone).hex() or phone,
        "".join(address.split()).casefold(),
        province.strip(),
        city.strip(),
    )


def write_merge(numbers: Sequence[str], order_ids: Sequence[int], *, actor: str, now: datetime) -> int:
    """Let orders, which the caller holds, be sent together; the id of the merge."""
    merge_id: int = fetch_all(
        "INSERT INTO orders_merge (numbers, actor, made_at) VALUES (%s::jsonb, %s, %s) RETURNING id",
        [as_json(list(numbers)), actor, now],
    )[0][0]
    execute("UPDATE orders_order SET merge_id = %s WHERE id = ANY(%s)", [merge_id, list(order_ids)])
    return merge_id


def undo_merge(merge_id: int, *, actor: str, now: datetime) -> None:
    """Let the orders of a merge, which the caller holds, be sent apart again."""
    execute("UPDATE orders_order SET merge_id = NULL WHERE merge_id = %s", [merge_id])
    execute("UPDATE orders_merge SET undone_at = %s, undone_by = %s WHERE id = %s", [now, actor, merge_id])


def merged_with(merge_id: int) -> list[int]:
    """The ids of the orders that are sent together by ``merge_id``. Raises Refusal merge.unknown."""
    rows = fetch_all("SELECT id FROM orders_order WHERE merge_id = %s ORDER BY id", [merge_id])
    if not rows:
        raise Refusal("merge.unknown", f"No orders are sent together as {merge_id}.")
    return [order_id for (order_id,) in rows]


def mergeable(shop_id: int | None = None, limit: int = 100) -> list[list[int]]:
    """Paid orders of one shop, buyer and place within the window, as groups that may be sent together.

    A proposal: recipient and address are compared when they are merged. The buyers who ordered last come first.
    """
    rows = fetch_all(
        """SELECT array_agg(id ORDER BY placed_at, id) FROM orders_order
           WHERE status = 'paid' AND merge_id IS NULL AND customer_id IS NOT NULL
             AND (%s::bigint IS NULL OR shop_id = %s)
           GROUP BY shop_id, customer_id, ship_province, ship_city
           HAVING count(*) BETWEEN 2 AND %s AND max(placed_at) - min(placed_at) <= %s
           ORDER BY max(placed_at) DESC, min(id) LIMIT %s""",
        [shop_id, shop_id, MOST_TOGETHER, merge_window(), limit],
    )
    return [list(ids) for (ids,) in rows]
