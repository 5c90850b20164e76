"""The event log after it was carried to another database server by dump and restore.

Transaction ids belong to one server. The rows of a dump keep the ids of the old server, which the new one has not
come to yet: readers would wait for them, and would take what is logged from now on for long read. ``adopt`` gives the
transactions in the log new ids that keep their order, and moves each reader's cursor to the same place in it.
"""

from __future__ import annotations

from django.db import connection, transaction

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal

LAST_ID = 2**63 - 1


def is_foreign() -> bool:
    """Whether the log or a cursor names a transaction that this server has not come to: another server wrote it."""
    return bool(
        fetch_all(
            """SELECT greatest((SELECT max(tx) FROM core_event), (SELECT max(tx) FROM core_cursor))
                      >= pg_snapshot_xmax(pg_current_snapshot())"""
        )[0][0]
    )


def adopt() -> int:
    """Renumber the transactions of a foreign log; returns how many there are. Does nothing to a log of this server.

    Locks the log and the cursors against everybody. Must be called outside a transaction, as the server has to come
    past the new numbers; raises Refusal("eventlog.in_transaction") otherwise.
    """
    if connection.in_atomic_block:
        raise Refusal("eventlog.in_transaction", "The event log cannot be renumbered inside a transaction.")
    if not is_foreign():
        return 0
    with transaction.atomic():
        execute("ALTER TABLE core_event DISABLE TRIGGER core_event_append_only")
        execute("LOCK TABLE core_cursor")
        execute(
            """CREATE TEMPORARY TABLE renumbered ON COMMIT DROP AS
               SELECT tx AS old, row_number() OVER (ORDER BY tx) AS new FROM (SELECT DISTINCT tx FROM core_event) t"""
        )
        execute("UPDATE core_event e SET tx = r.new::text::xid8 FROM renumbered r WHERE r.old = e.tx")
        # A cursor on a transaction that is not in the log has read everything before it, and nothing after it.
        execute(
            """UPDATE core_cursor c SET
                 event_id = CASE WHEN EXISTS (SELECT FROM renumbered WHERE old = c.tx) THEN event_id ELSE %s END,
                 tx = coalesce((SELECT max(new) FROM renumbered WHERE old <= c.tx), 0)::text::xid8""",
            [LAST_ID],
        )
        transactions = int(fetch_all("SELECT count(*) FROM renumbered")[0][0])
        execute("ALTER TABLE core_event ENABLE TRIGGER core_event_append_only")
    _come_past(transactions)
    return transactions


def _come_past(number: int) -> None:
    """Use up transaction ids until the next one is above ``number``; a young server is not that far yet."""
    execute(
        f"""DO $$ BEGIN
              WHILE pg_snapshot_xmax(pg_current_snapshot()) <= '{number:d}'::xid8 LOOP
                PERFORM pg_current_xact_id();
                COMMIT;
              END LOOP;
            END $$"""
    )
