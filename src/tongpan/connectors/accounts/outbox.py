"""What platforms must be told: put into the outbox, claimed, ended. Nothing here talks to a platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tongpan.access.actions import audit
from tongpan.connectors.accounts.engine import MOST_TRIES, next_try
from tongpan.connectors.accounts.models import Push
from tongpan.connectors.events import PUSH_FAILED
from tongpan.connectors.platforms.registry import PLATFORMS
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append

INTERRUPTED_AFTER = timedelta(minutes=2)
"""A push that is being sent for longer was sent by a process that died; one process at a time sends for an account."""
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NewPush:
    """Something to be told: key is the listing (stock, price) or the fulfilment (shipment)."""

    shop_id: int
    kind: str
    key: int
    payload: dict[str, Any]


def enqueue(pushes: Sequence[NewPush], *, now: datetime) -> list[int]:
    """Put ``pushes`` into the outbox of the shops' active accounts; the ids of those accounts.

    Of a listing the newest number alone waits: it takes the place of one that waits. A fulfilment is put in once.
    Shops without an account, and platforms that cannot be told, are passed over. Two statements.
    """
    if not pushes:
        return []
    last = {(push.shop_id, push.kind, push.key): push for push in pushes}
    able = {
        kind: [name for name, found in PLATFORMS.items() if kind in found.abilities]
        for kind in ("stock", "price", "shipment")
    }
    rows = fetch_all(
        """WITH given AS (
               SELECT a.id AS account_id, g.kind, g.key, g.payload
               FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[]) AS g(shop_id, kind, key, payload)
               JOIN connectors_account a ON a.shop_id = g.shop_id AND a.is_active
               WHERE a.platform = ANY(CASE g.kind WHEN 'stock' THEN %s::text[] WHEN 'price' THEN %s::text[]
                                                  ELSE %s::text[] END)
                 AND (g.kind <> 'shipment' OR NOT EXISTS (
                   SELECT FROM connectors_push p
                   WHERE p.account_id = a.id AND p.key = g.key AND p.kind = 'shipment'))),
             put AS (
               INSERT INTO connectors_push (account_id, kind, key, payload, state, attempts, next_at, last_error,
                                            created_at)
               SELECT account_id, kind, key, payload::jsonb, 'waiting', 0, %s, '', %s FROM given
               ON CONFLICT (account_id, kind, key) WHERE state = 'waiting'
               DO UPDATE SET payload = excluded.payload, next_at = least(connectors_push.next_at, excluded.next_at)
               RETURNING account_id)
           SELECT DISTINCT account_id FROM put ORDER BY 1""",
        [
            [push.shop_id for push in last.values()],
            [push.kind for push in last.values()],
            [push.key for push in last.values()],
            [as_json(push.payload) for push in last.values()],
            able["stock"],
            able["price"],
            able["shipment"],
            now,
            now,
        ],
    )
    return [account_id for (account_id,) in rows]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A push that this process sends now. was_interrupted: an earlier try may have reached the platform."""

    id: int
    kind: str
    key: int
    payload: dict[str, Any]
    attempts: int
    was_interrupted: bool


def claim(account_id: int, *, now: datetime) -> Claimed | None:
    """Take the account's next due push, shipments first; None when none is due. Committed before it is sent."""
    with transaction.atomic():
        rows = fetch_all(
            """SELECT id, state = 'sending' FROM connectors_push
               WHERE account_id = %s AND ((state = 'waiting' AND next_at <= %s)
                                          OR (state = 'sending' AND claimed_at < %s))
               ORDER BY kind <> 'shipment', id LIMIT 1 FOR UPDATE SKIP LOCKED""",
            [account_id, now, now - INTERRUPTED_AFTER],
        )
        if not rows:
            return None
        push_id, was_interrupted = rows[0]
        row = Push.objects.get(pk=push_id)
        row.state, row.attempts, row.claimed_at = "sending", row.attempts + 1, now
        row.save(update_fields=["state", "attempts", "claimed_at"])
    return Claimed(row.pk, row.kind, row.key, row.payload, row.attempts, was_interrupted)


def end(push_id: int, *, now: datetime) -> None:
    """The platform has been told."""
    execute("UPDATE connectors_push SET state = 'sent', ended_at = %s, last_error = '' WHERE id = %s", [now, push_id])


def put_off(push: Claimed, sentence: str, *, now: datetime) -> str:
    """Try again later, or give up after MOST_TRIES; the state that it came to.

    A number of stock that a newer one waits behind is not tried again: the newer one counts.
    """
    if push.attempts >= MOST_TRIES:
        bury(push, sentence, now=now)
        return "dead"
    rows = fetch_all(
        """UPDATE connectors_push p SET
               state = CASE WHEN EXISTS (SELECT FROM connectors_push n WHERE n.account_id = p.account_id
                                         AND n.kind = p.kind AND n.key = p.key AND n.state = 'waiting')
                            THEN 'superseded' ELSE 'waiting' END,
               next_at = %s, last_error = %s WHERE p.id = %s RETURNING state""",
        [next_try(push.attempts, now), _text(sentence), push.id],
    )
    return str(rows[0][0]) if rows else "gone"


def bury(push: Claimed, sentence: str, *, now: datetime) -> None:
    """It will not be told without a person: kept with the reason, and logged."""
    with transaction.atomic():
        rows = fetch_all(
            """UPDATE connectors_push p SET state = 'dead', ended_at = %s, last_error = %s
               FROM connectors_account a JOIN channels_shop s ON s.id = a.shop_id
               WHERE p.id = %s AND a.id = p.account_id RETURNING s.code""",
            [now, _text(sentence), push.id],
        )
        append(
            [
                NewEvent(PUSH_FAILED, str(push.id), {"shop": code, "kind": push.kind, "key": push.key})
                for (code,) in rows
            ]
        )


def send_again(push_id: int, *, actor: str, now: datetime) -> int:
    """Let a push that failed be tried anew; the id of its account. Raises Refusal push.state."""
    return _decide(push_id, "waiting", "push.sent_again", actor=actor, now=now)


def dismiss(push_id: int, *, actor: str, now: datetime) -> int:
    """A person has done by hand what a push could not; the id of its account. Raises Refusal push.state."""
    return _decide(push_id, "dismissed", "push.dismissed", actor=actor, now=now)


def _decide(push_id: int, state: str, action: str, *, actor: str, now: datetime) -> int:
    with transaction.atomic():
        row = Push.objects.select_for_update().filter(pk=push_id).first()
        if row is None or row.state != "dead":
            raise Refusal("push.state", "Only what could not be sent is sent again or dismissed; this is not.")
        waits = Push.objects.filter(account=row.account_id, kind=row.kind, key=row.key, state="waiting").exists()
        row.state = "superseded" if waits and state == "waiting" else state
        row.attempts, row.next_at = 0, now
        row.ended_at = None if row.state == "waiting" else now
        row.save(update_fields=["state", "attempts", "next_at", "ended_at"])
        audit(actor, action, "push", str(row.pk), {"kind": row.kind, "key": row.key}, now=now)
    return row.account_id


def forget_sent(before: datetime) -> int:
    """Delete what was told before that instant, shipments excepted: they say that a parcel was acknowledged."""
    return execute(
        """DELETE FROM connectors_push WHERE kind <> 'shipment' AND state IN ('sent', 'superseded', 'dismissed')
           AND created_at < %s""",
        [before],
    )


def _text(sentence: str) -> str:
    return sentence[:2000].replace("\x00", "")
