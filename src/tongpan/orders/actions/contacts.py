"""Keeping that by which orders are found: blind indexes of recipient and phone, and the letters of remarks."""

from __future__ import annotations

import json
from collections.abc import Collection

from tongpan.access.vault import open_sealed
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.orders.contacts import grams_of, phone_index, recipient_index

_LONGEST_REMARK = 2000


def index_contacts(order_ids: Collection[int]) -> int:
    """Let those of ``order_ids`` that name a recipient, or carry remarks of their channel, be found by them; how many
    do. Of a remark its first 2,000 characters count. Two statements."""
    rows = fetch_all(
        """SELECT id, recipient_sealed, buyer_note, seller_note FROM orders_order
           WHERE id = ANY(%s) AND (recipient_sealed <> '' OR buyer_note <> '' OR seller_note <> '') ORDER BY id""",
        [sorted(order_ids)],
    )
    if rows:
        people = [json.loads(open_sealed(sealed)) if sealed else ("", "", "") for _, sealed, *_ in rows]
        execute(
            """INSERT INTO orders_ordercontact AS c (order_id, recipient_index, phone_index, remark_grams)
               SELECT k.id, k.recipient, k.phone, ARRAY(SELECT jsonb_array_elements_text(k.grams))
               FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::jsonb[]) AS k(id, recipient, phone, grams)
               ON CONFLICT (order_id) DO UPDATE SET recipient_index = excluded.recipient_index,
                   phone_index = excluded.phone_index, remark_grams = excluded.remark_grams
               WHERE (c.recipient_index, c.phone_index, c.remark_grams)
                     <> (excluded.recipient_index, excluded.phone_index, excluded.remark_grams)""",
            [
                [row[0] for row in rows],
                [recipient_index(person[0]) for person in people],
                [phone_index(person[1]) for person in people],
                [as_json(grams_of(f"{row[2]}\n{row[3]}"[:_LONGEST_REMARK])) for row in rows],
            ],
        )
    return len(rows)
