"""Keeping the blind indexes by which orders are found from their recipient and phone."""

from __future__ import annotations

import json
from collections.abc import Collection

from tongpan.access.vault import open_sealed
from tongpan.core.bulk import execute, fetch_all
from tongpan.orders.contacts import phone_index, recipient_index


def index_contacts(order_ids: Collection[int]) -> int:
    """Let those of ``order_ids`` that name a recipient be found by it; how many do. Two statements."""
    rows = fetch_all(
        "SELECT id, recipient_sealed FROM orders_order WHERE id = ANY(%s) AND recipient_sealed <> '' ORDER BY id",
        [sorted(order_ids)],
    )
    if rows:
        contacts = [(order_id, json.loads(open_sealed(sealed))) for order_id, sealed in rows]
        execute(
            """INSERT INTO orders_ordercontact AS c (order_id, recipient_index, phone_index)
               SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[])
               ON CONFLICT (order_id) DO UPDATE SET recipient_index = excluded.recipient_index,
                   phone_index = excluded.phone_index
               WHERE (c.recipient_index, c.phone_index) <> (excluded.recipient_index, excluded.phone_index)""",
            [
                [order_id for order_id, _ in contacts],
                [recipient_index(contact[0]) for _, contact in contacts],
                [phone_index(contact[1]) for _, contact in contacts],
            ],
        )
    return len(rows)
