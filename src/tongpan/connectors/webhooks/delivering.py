"""What is to be delivered: written by the reader of the event log, by replays and by tests; sent by the worker."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.connectors.webhooks.engine import TEST_EVENT, event_id, message_id
from tongpan.connectors.webhooks.models import Webhook, WebhookDelivery
from tongpan.connectors.webhooks.payloads import Occurrence, bodies
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import Event

SEND_TASK = "connectors.send_webhooks"
MOST_REPLAYED = 100_000
_AT_ONCE = 2000


def occurrence(event: Event) -> Occurrence:
    """``event`` as messages tell it."""
    return Occurrence(
        event_id(event.tx, event.id, event.recorded_at), event.name, event.key, event.payload, event.recorded_at
    )


def enqueue(webhooks: Sequence[Webhook], occurrences: Sequence[Occurrence], *, now: datetime) -> int:
    """Write a delivery of each occurrence for each of ``webhooks`` that subscribed to it; how many are new.

    One that is there already stays as it is. Nothing is sent here: a job is put into the queue, in the
    transaction of the caller.
    """
    names = {name for webhook in webhooks for name in webhook.events} | {TEST_EVENT}
    wanted = [one for one in occurrences if one.name in names]
    if not wanted:
        return 0
    texts = {full: bodies(wanted, full=full) for full in {webhook.is_full for webhook in webhooks}}
    rows = [
        (webhook.pk, message_id(webhook.token, one.id), one.id, one.name, one.at, texts[webhook.is_full][position])
        for webhook in webhooks
        for position, one in enumerate(wanted)
        if one.name in webhook.events or one.name == TEST_EVENT
    ]
    written = execute(
        """INSERT INTO connectors_webhookdelivery
                  (webhook_id, message_id, event_id, event_name, event_at, body, state, attempts, next_at, created_at)
           SELECT d.*, 'waiting', 0, %s, %s
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[]) AS d
           ON CONFLICT (webhook_id, message_id) DO NOTHING""",
        [now, now, *(list(column) for column in zip(*rows, strict=True))],
    )
    if written:
        wake_sender()
    return written


def wake_sender() -> None:
    """Put the sending job into the queue, in the transaction of the caller; one that waits there is enough."""
    job = app.configure_task(SEND_TASK, queue="webhooks", queueing_lock=SEND_TASK, lock=SEND_TASK)
    try:
        with transaction.atomic():
            job.defer(timestamp=0)
    except AlreadyEnqueued:
        return


def send_test(webhook_id: int, *, actor: str, now: datetime) -> int:
    """Write a test message for a subscription, switched on or not; the id of its delivery.

    Raises Refusal webhook.unknown.
    """
    row = _webhook(webhook_id)
    test_id = f"evt_test_{int(now.timestamp() * 1_000_000)}"
    told = Occurrence(test_id, TEST_EVENT, "", {"webhook": row.name, "asked_by": actor}, now)
    with transaction.atomic():
        enqueue([row], [told], now=now)
        return WebhookDelivery.objects.get(webhook=row, message_id=message_id(row.token, told.id)).pk


def replay_delivery(delivery_id: int, *, now: datetime) -> None:
    """Send one message again, under the same id and with the ladder of retries from its start.

    Raises Refusal webhook.delivery_unknown.
    """
    with transaction.atomic():
        if not _again("id = %s", [delivery_id], now):
            raise Refusal("webhook.delivery_unknown", f"There is no delivery {delivery_id}.")
        wake_sender()


def replay_range(webhook_id: int, begin: datetime, end: datetime, *, now: datetime) -> int:
    """Send again what happened in [begin, end) and the subscription follows; how many messages.

    What was never written (the subscription was off, or newer than the event) is written now; all keep the ids
    that they had or would have had. Raises Refusal webhook.unknown or webhook.range.
    """
    row = _webhook(webhook_id)
    if begin >= end:
        raise Refusal("webhook.range", "The end of the range must lie after its beginning.")
    counted = fetch_all(
        """SELECT count(*) FROM (SELECT FROM core_event
             WHERE recorded_at >= %s AND recorded_at < %s AND name = ANY(%s) LIMIT %s) e""",
        [begin, end, row.events, MOST_REPLAYED + 1],
    )[0][0]
    if counted > MOST_REPLAYED:
        raise Refusal("webhook.range", f"The range has more than {MOST_REPLAYED} events; replay it in smaller pieces.")
    with transaction.atomic():
        again = _again("webhook_id = %s AND event_at >= %s AND event_at < %s", [webhook_id, begin, end], now)
        added = sum(enqueue([row], part, now=now) for part in _logged(row.events, begin, end))
        if again:
            wake_sender()
    return again + added


def _again(condition: str, parameters: Sequence[object], now: datetime) -> int:
    return execute(
        f"""UPDATE connectors_webhookdelivery
            SET state = 'waiting', attempts = 0, next_at = %s, leased_until = NULL WHERE {condition}""",
        [now, *parameters],
    )


def _logged(names: Sequence[str], begin: datetime, end: datetime) -> Iterable[list[Occurrence]]:
    """The events of a range, oldest first, in parts."""
    after: tuple[int, int] = (0, 0)
    while True:
        rows = fetch_all(
            """SELECT tx::text::bigint, id, name, key, payload::text, recorded_at FROM core_event
               WHERE recorded_at >= %s AND recorded_at < %s AND name = ANY(%s) AND (tx, id) > (%s::text::xid8, %s)
               ORDER BY tx, id LIMIT %s""",
            [begin, end, list(names), *after, _AT_ONCE],
        )
        if not rows:
            return
        after = (rows[-1][0], rows[-1][1])
        yield [occurrence(Event(tx, i, name, key, json.loads(payload), at)) for tx, i, name, key, payload, at in rows]


def _webhook(webhook_id: int) -> Webhook:
    row = Webhook.objects.filter(pk=webhook_id).first()
    if row is None:
        raise Refusal("webhook.unknown", f"There is no webhook {webhook_id}.")
    return row
