"""The one event log: appended in the transaction of the change, read in commit order.

Each row carries the id of the transaction that wrote it (``tx``). A reader takes only rows of transactions
older than every transaction still running (``pg_snapshot_xmin``), in the order (tx, id): a transaction that
commits late is never skipped, and no event is seen before all events that a reader could have seen earlier.
A transaction left open therefore delays every reader; ``tongpan doctor`` names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.core.bulk import Part, as_json, copy_rows, execute, fetch_all, texts
from tongpan.core.races import run_in_transaction

TABLE = "core_event"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """name: "order.accepted" and the like; key: the id of what it happened to; payload: plain JSON."""

    name: str
    key: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    tx: int
    id: int
    name: str
    key: str
    payload: dict[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Reader:
    """A batch subscriber: ``handle`` gets the events whose names it follows, oldest first.

    ``handle`` runs inside the transaction that moves the cursor: its writes and the cursor commit together,
    so each event takes effect exactly once.
    """

    name: str
    follows: tuple[str, ...]
    handle: Callable[[Sequence[Event]], None]
    batch: int = 5000


def append(events: Sequence[NewEvent]) -> None:
    """Append ``events`` to the log, in order, inside the transaction of the caller."""
    if events:
        copy_rows(TABLE, ("name", "key", "payload"), ((e.name, e.key, as_json(e.payload)) for e in events))


def appending(events: Sequence[NewEvent]) -> list[Part]:
    """The same as a part of another statement (``bulk.execute_together``); no part for no events."""
    if not events:
        return []
    return [
        Part(
            f"""INSERT INTO {TABLE} (name, key, payload)
                SELECT name, key, payload::jsonb
                FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS e(name, key, payload, n)
                ORDER BY n""",
            [texts(e.name for e in events), texts(e.key for e in events), texts(as_json(e.payload) for e in events)],
        )
    ]


def read_once(reader: Reader) -> int | None:
    """Let ``reader`` handle its next batch and move its cursor; both in one transaction.

    Locks the reader's cursor row. Returns how many events it handled (0: it is up to date), or None when another
    process is reading for it right now. A transaction that lost a race is run again.
    """
    return run_in_transaction(lambda: _read(reader))


def _read(reader: Reader) -> int | None:
    execute("INSERT INTO core_cursor (reader) VALUES (%s) ON CONFLICT DO NOTHING", [reader.name])
    cursor = fetch_all(
        "SELECT tx::text::bigint, event_id FROM core_cursor WHERE reader = %s FOR UPDATE SKIP LOCKED",
        [reader.name],
    )
    if not cursor:
        return None
    # One statement, so that what is read and how far the cursor may go come from one snapshot.
    rows = fetch_all(
        f"""WITH unread AS NOT MATERIALIZED (
                   SELECT * FROM {TABLE}
                   WHERE (tx, id) > (%s::text::xid8, %s) AND tx < pg_snapshot_xmin(pg_current_snapshot())),
                 found AS (SELECT * FROM unread WHERE name = ANY(%s) ORDER BY tx, id LIMIT %s),
                 last AS (SELECT tx, id FROM unread ORDER BY tx DESC, id DESC LIMIT 1)
            SELECT tx::text::bigint, id, name, key, payload::text, recorded_at
            FROM (SELECT tx, id, name, key, payload, recorded_at, false AS is_last FROM found
                  UNION ALL SELECT tx, id, NULL, NULL, NULL, NULL, true FROM last) r
            ORDER BY is_last, r.tx, r.id""",
        [*cursor[0], list(reader.follows), reader.batch],
    )
    if not rows:
        return 0
    horizon = rows.pop()
    if rows:
        reader.handle([_event(row) for row in rows])
    # Past the events that it does not follow as well, or it would look at them again and again.
    tx, event_id, *_ = rows[-1] if len(rows) == reader.batch else horizon
    execute(
        """UPDATE core_cursor SET tx = %s::text::xid8, event_id = %s, events_read = events_read + %s,
                  moved_at = now() WHERE reader = %s""",
        [tx, event_id, len(rows), reader.name],
    )
    return len(rows)


def _event(row: tuple[Any, ...]) -> Event:
    tx, event_id, name, key, payload, recorded_at = row
    return Event(tx, event_id, name, key, json.loads(payload), recorded_at)


def lag(reader: Reader) -> int:
    """How many events that ``reader`` follows it has not handled yet, committed or about to be."""
    return int(
        fetch_all(
            f"""SELECT count(*) FROM {TABLE} e
                WHERE name = ANY(%s) AND (tx, id) > (
                  SELECT coalesce(max(c.tx), '0'::xid8), coalesce(max(c.event_id), 0)
                  FROM core_cursor c WHERE c.reader = %s)""",
            [list(reader.follows), reader.name],
        )[0][0]
    )
