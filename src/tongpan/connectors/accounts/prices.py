"""Whether platforms have been told of the prices of listings."""

from __future__ import annotations

from collections.abc import Collection

from tongpan.core.bulk import fetch_all


def price_pushes(listing_ids: Collection[int]) -> dict[int, str]:
    """The state of the newest price push of those of ``listing_ids`` that have one: pending, failed or told.

    A listing that is not in it was never told, or its shop's connection does not tell prices. One statement.
    """
    words = {"waiting": "pending", "sending": "pending", "dead": "failed"}
    return {
        key: words.get(state, "told")
        for key, state in fetch_all(
            """SELECT DISTINCT ON (key) key, state FROM connectors_push
               WHERE kind = 'price' AND key = ANY(%s) ORDER BY key, id DESC""",
            [sorted(listing_ids)],
        )
    }
