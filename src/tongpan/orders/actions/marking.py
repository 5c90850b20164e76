"""Notes and tags of orders: what people say of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.checks import MAX_TAGS, TAG_LENGTH
from tongpan.orders.actions.holding import checked_text
from tongpan.orders.changes import Handled, unknown
from tongpan.orders.contacts import grams_of

LONGEST_NOTE = 4000


def add_note(order_ids: Sequence[int], text: str, *, actor: str, now: datetime) -> list[Handled]:
    """Write ``text`` on each order, for good; the outcome of each, at the same position.

    Raises Refusal note.text for a text that is blank, no text or longer than ``LONGEST_NOTE``.
    """
    text = checked_text(text, "note.text", LONGEST_NOTE)
    if not text:
        raise Refusal("note.text", "A note says something.")

    def work() -> list[Handled]:
        noted = dict(
            fetch_all(
                """WITH o AS (SELECT id, revision FROM orders_order WHERE id = ANY(%s)),
                        n AS (INSERT INTO orders_ordernote (order_id, text, actor, at, grams)
                              SELECT id, %s, %s, %s, %s::text[] FROM o ORDER BY id)
                   SELECT id, revision FROM o""",
                [sorted(set(order_ids)), text, actor, now, grams_of(text)],
            )
        )
        return [Handled(i, "done", noted[i]) if i in noted else unknown(i) for i in order_ids]

    return run_in_transaction(work)


def add_tags(order_ids: Sequence[int], tags: Sequence[str], *, actor: str, now: datetime) -> list[Handled]:
    """Give each order ``tags``; unchanged is one that has them all. Raises Refusal tag.text."""
    return _tag(
        order_ids,
        tags,
        """INSERT INTO orders_ordertag (order_id, tag)
           SELECT o, t FROM unnest(%s::bigint[]) AS o CROSS JOIN unnest(%s::text[]) AS t ORDER BY o, t
           ON CONFLICT DO NOTHING RETURNING order_id""",
    )


def remove_tags(order_ids: Sequence[int], tags: Sequence[str], *, actor: str, now: datetime) -> list[Handled]:
    """Take ``tags`` from each order; unchanged is one that has none of them. Raises Refusal tag.text."""
    return _tag(
        order_ids,
        tags,
        "DELETE FROM orders_ordertag WHERE order_id = ANY(%s) AND tag = ANY(%s) RETURNING order_id",
    )


def _tag(order_ids: Sequence[int], tags: Sequence[str], statement: str) -> list[Handled]:
    plain = sorted({" ".join(tag.split()) for tag in tags})
    if not plain or len(plain) > MAX_TAGS or not all(0 < len(t) <= TAG_LENGTH and t.isprintable() for t in plain):
        raise Refusal("tag.text", f"Name 1 to {MAX_TAGS} tags of 1 to {TAG_LENGTH} characters each.")

    def work() -> list[Handled]:
        known = dict(
            fetch_all("SELECT id, revision FROM orders_order WHERE id = ANY(%s)", [sorted(set(order_ids))]),
        )
        changed = {order_id for (order_id,) in fetch_all(statement, [sorted(known), plain])}
        return [
            Handled(i, "done" if i in changed else "unchanged", known[i]) if i in known else unknown(i)
            for i in order_ids
        ]

    return run_in_transaction(work)
