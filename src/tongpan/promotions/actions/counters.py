"""Counters: one guarded UPDATE takes from all that an order needs, or from none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tongpan.core.bulk import fetch_all, texts, whole_numbers


class Want(NamedTuple):
    """``amount`` to take from the counter ``key``, of which there may be ``limit`` used in all (None: any number)."""

    key: str
    amount: int
    limit: int | None


def take(wanted: Sequence[Want]) -> list[str]:
    """Take all of ``wanted`` in the transaction of the caller; the keys that had too little left.

    Those keys are untouched, the others are taken: the caller refuses and rolls back when there are any. Two
    statements; counters are locked in the order of their keys, each key named once.
    """
    if not wanted:
        return []
    ordered = sorted(wanted)
    keys = texts(want.key for want in ordered)
    amounts = whole_numbers(want.amount for want in ordered)
    limits = "{" + ",".join("NULL" if want.limit is None else str(want.limit) for want in ordered) + "}"
    fetch_all(
        """INSERT INTO promotions_counter (key, "limit", used)
           SELECT key, "limit", 0 FROM unnest(%s::text[], %s::bigint[]) AS w(key, "limit") ORDER BY key
           ON CONFLICT (key) DO NOTHING RETURNING id""",
        [keys, limits],
    )
    taken = fetch_all(
        """WITH w AS (SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS w(key, amount, "limit")),
                locked AS MATERIALIZED (
                    SELECT c.id FROM promotions_counter c JOIN w USING (key) ORDER BY c.key FOR NO KEY UPDATE OF c)
           UPDATE promotions_counter c SET used = c.used + w.amount, "limit" = w."limit"
           FROM w, locked l WHERE c.key = w.key AND l.id = c.id
             AND (w."limit" IS NULL OR c.used + w.amount <= w."limit")
           RETURNING c.key""",
        [keys, amounts, limits],
    )
    got = {key for (key,) in taken}
    return [want.key for want in ordered if want.key not in got]


def give_back(amounts: Mapping[str, int]) -> None:
    """Give back what was taken, in the transaction of the caller. One statement."""
    if not amounts:
        return
    keys = sorted(amounts)
    fetch_all(
        """WITH w AS (SELECT * FROM unnest(%s::text[], %s::bigint[]) AS w(key, amount)),
                locked AS MATERIALIZED (
                    SELECT c.id FROM promotions_counter c JOIN w USING (key) ORDER BY c.key FOR NO KEY UPDATE OF c)
           UPDATE promotions_counter c SET used = greatest(c.used - w.amount, 0)
           FROM w, locked l WHERE c.key = w.key AND l.id = c.id RETURNING c.id""",
        [texts(keys), whole_numbers(amounts[key] for key in keys)],
    )
