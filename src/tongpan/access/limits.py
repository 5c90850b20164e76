"""How often an address may ask for a public page: counted in the database, for all processes together."""

from __future__ import annotations

from datetime import datetime

from tongpan.access import vault
from tongpan.core.bulk import execute, fetch_all


def is_allowed(scope: str, address: str, per_minute: int, now: datetime) -> bool:
    """Count one request of ``address`` for ``scope``; False when it is one too many within this minute.

    The address is kept as a keyed hash, in a table that is not logged: a crash forgets the counts. One statement.
    """
    minute = int(now.timestamp() // 60)
    rows = fetch_all(
        """INSERT INTO access_requestcount AS c (digest, minute, times) VALUES (%s, %s, 1)
           ON CONFLICT (digest) DO UPDATE
           SET times = CASE WHEN c.minute = excluded.minute THEN c.times + 1 ELSE 1 END, minute = excluded.minute
           RETURNING times""",
        [vault.blind_index("request", scope, address), minute],
    )
    return int(rows[0][0]) <= per_minute


def forget_counts(now: datetime) -> int:
    """Forget the counts of minutes that are over; how many."""
    return execute("DELETE FROM access_requestcount WHERE minute < %s", [int(now.timestamp() // 60) - 1])
