"""Sends what is due: claims it under a lease, talks to the receivers outside any transaction, notes what came back.

A sender that dies between sending and noting leaves a lease that runs out; the message is then sent again under
the same id. So every message arrives at least once, and a receiver tells repeats by ``webhook-id``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from tongpan.connectors.webhooks.actions import secrets_of
from tongpan.connectors.webhooks.engine import TEST_EVENT, verdict
from tongpan.connectors.webhooks.models import Webhook
from tongpan.connectors.webhooks.posting import TOTAL_SECONDS, Answer, post
from tongpan.connectors.webhooks.signing import signed_headers
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

LEASE = timedelta(seconds=4 * TOTAL_SECONDS)
AT_ONCE = 12
PER_WEBHOOK = 12
RUN_SECONDS = 50.0
_SHORT_WAIT_SECONDS = 8.0
KEPT = timedelta(days=30)
_log = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: int
    webhook_id: int
    message_id: str
    body: bytes
    attempt: int


def send_due(*, clock: Callable[[], datetime] = utc_now, seconds: float = RUN_SECONDS) -> int:
    """Send what is due until nothing is, at most for ``seconds``; how many attempts were made.

    Waits for a retry that is due within a few seconds. Several may run at once. No transaction is open while a
    receiver is talked to.
    """
    end = time.monotonic() + seconds
    made = 0
    while time.monotonic() < end:
        claimed = _claim(clock())
        if claimed:
            made += _send_all(claimed, clock)
            continue
        wait = _seconds_to_next(clock())
        if wait is None or wait > min(_SHORT_WAIT_SECONDS, end - time.monotonic()):
            break
        time.sleep(max(wait, 0.05))
    return made


def _claim(now: datetime) -> list[_Claimed]:
    rows = fetch_all(
        """WITH due AS (
             SELECT d.id FROM connectors_webhook w CROSS JOIN LATERAL (
               SELECT id FROM connectors_webhookdelivery
               WHERE webhook_id = w.id AND state = 'waiting' AND next_at <= %(now)s
                 AND (leased_until IS NULL OR leased_until <= %(now)s) AND (w.is_active OR event_name = %(test)s)
               ORDER BY next_at, id LIMIT %(each)s FOR UPDATE SKIP LOCKED) d
             WHERE w.paused_until IS NULL OR w.paused_until <= %(now)s)
           UPDATE connectors_webhookdelivery d SET leased_until = %(until)s, attempts = attempts + 1
           FROM due WHERE d.id = due.id RETURNING d.id, d.webhook_id, d.message_id, d.body, d.attempts""",
        {"now": now, "until": now + LEASE, "each": PER_WEBHOOK, "test": TEST_EVENT},
    )
    claimed = [_Claimed(i, webhook, message, body.encode(), attempt) for i, webhook, message, body, attempt in rows]
    return sorted(claimed, key=lambda one: one.id)


def _seconds_to_next(now: datetime) -> float | None:
    rows = fetch_all(
        """SELECT min(greatest(d.next_at, coalesce(d.leased_until, d.next_at), coalesce(w.paused_until, d.next_at)))
           FROM connectors_webhook w CROSS JOIN LATERAL (
             SELECT next_at, leased_until FROM connectors_webhookdelivery
             WHERE webhook_id = w.id AND state = 'waiting' ORDER BY next_at LIMIT 50) d
           WHERE w.is_active"""
    )
    at: datetime | None = rows[0][0]
    return None if at is None else max(0.0, (at - now).total_seconds())


def _send_all(claimed: list[_Claimed], clock: Callable[[], datetime]) -> int:
    webhooks = Webhook.objects.in_bulk({one.webhook_id for one in claimed})
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="webhook") as pool:
        running = {}
        for one in claimed:
            webhook = webhooks.get(one.webhook_id)
            if webhook is None:
                continue
            begun = clock()
            try:
                headers = signed_headers(secrets_of(webhook, begun), one.message_id, begun, one.body)
            except Refusal as refusal:
                _note(one, begun, Answer(None, 0, refusal.sentence), clock())
                continue
            running[pool.submit(post, webhook.url, headers, one.body)] = (one, begun)
        for future in as_completed(running):
            one, begun = running[future]
            _note(one, begun, future.result(), clock())
    return len(claimed)


def _note(one: _Claimed, begun: datetime, answer: Answer, now: datetime) -> None:
    """Book one attempt and what follows from it, in one transaction of four statements at most."""
    result = verdict(answer.status, one.attempt, answer.retry_after, now, random.random())  # noqa: S311
    parameters: dict[str, Any] = {
        "id": one.id,
        "webhook": one.webhook_id,
        "attempt": one.attempt,
        "state": result.state,
        "status": answer.status,
        "next": result.next_at or now,
        "now": now,
        "begun": begun,
        "duration": answer.duration_ms,
        "error": answer.error[:500],
        "text": answer.text,
        "pause": result.pause_until,
    }
    with transaction.atomic():
        execute(
            """INSERT INTO connectors_webhookattempt (delivery_id, number, at, duration_ms, status, error, response)
               SELECT id, %(attempt)s, %(begun)s, %(duration)s, %(status)s, %(error)s, %(text)s
               FROM connectors_webhookdelivery WHERE id = %(id)s""",
            parameters,
        )
        # A failure that is told after the lease ran out must not undo what another sender achieved meanwhile.
        execute(
            """UPDATE connectors_webhookdelivery
               SET state = %(state)s, last_status = %(status)s, next_at = %(next)s, leased_until = NULL,
                   delivered_at = CASE WHEN %(state)s = 'delivered' THEN %(now)s ELSE delivered_at END
               WHERE id = %(id)s AND (%(state)s = 'delivered' OR (attempts = %(attempt)s AND state = 'waiting'))""",
            parameters,
        )
        if result.state == "delivered":
            execute(
                """UPDATE connectors_webhook SET failing_since = NULL, paused_until = NULL
                   WHERE id = %(webhook)s AND (failing_since IS NOT NULL OR paused_until IS NOT NULL)""",
                parameters,
            )
        else:
            execute(
                """UPDATE connectors_webhook SET failing_since = coalesce(failing_since, %(now)s),
                          paused_until = greatest(paused_until, %(pause)s::timestamptz) WHERE id = %(webhook)s""",
                parameters,
            )
        if result.disables:
            execute(
                """UPDATE connectors_webhook SET is_active = false,
                          disabled_reason = 'The receiver answered 410 Gone.' WHERE id = %(webhook)s AND is_active""",
                parameters,
            )
    if result.state != "delivered":
        _log.warning(
            "a webhook was not delivered",
            delivery=one.id,
            attempt=one.attempt,
            answer=answer.status or answer.error,
            then=result.state,
        )


def forget_old(now: datetime) -> int:
    """Delete deliveries that ended more than 30 days ago, with their attempts; how many."""
    before = now - KEPT
    execute(
        """DELETE FROM connectors_webhookattempt WHERE delivery_id IN
           (SELECT id FROM connectors_webhookdelivery WHERE created_at < %s AND state <> 'waiting')""",
        [before],
    )
    return execute("DELETE FROM connectors_webhookdelivery WHERE created_at < %s AND state <> 'waiting'", [before])
