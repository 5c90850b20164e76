"""From an event to the receiver: what is written, sent, tried again, replayed, and what a killed sender leaves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook as Library
from tests.connectors.webhooks.receiving import Receiver, receiver
from tests.support.company import NOW, paid, put, return_of
from tests.support.database import settle
from tests.support.intake import take, take_back
from tests.support.processes import die_by_itself, run_together

from tongpan.access.vault import open_sealed
from tongpan.connectors.webhooks import sending
from tongpan.connectors.webhooks.actions import WebhookSpec, change_webhook, create_webhook, rotate_secret
from tongpan.connectors.webhooks.delivering import replay_delivery, replay_range, send_test
from tongpan.connectors.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from tongpan.connectors.webhooks.posting import NETWORKS_SETTING
from tongpan.connectors.webhooks.readers import WEBHOOKS
from tongpan.connectors.webhooks.sending import forget_old, send_due
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append, read_once
from tongpan.orders.models import Order

ORDERS = ("order.accepted", "order.changed")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")
    with receiver() as state:
        yield state


def subscribe(there: Receiver, *events: str, name: str = "erp", **more: Any) -> Webhook:
    spec = WebhookSpec(name, there.url, events or ORDERS, **more)
    return create_webhook(spec, actor="test", now=utc_now() - timedelta(minutes=1))


def read() -> None:
    settle()
    while read_once(WEBHOOKS):
        pass


def at(seconds: float) -> Any:
    """A clock that stands ``seconds`` after now."""
    then = utc_now() + timedelta(seconds=seconds)
    return lambda: then


def states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("id").values_list("state", flat=True))


def test_an_event_is_written_by_the_reader_and_sent_by_the_worker_alone(live_company: None, there: Receiver) -> None:
    webhook = subscribe(there)

    put("sh", A=5)
    take(paid("T-1"))
    assert WebhookDelivery.objects.count() == 0
    read()
    assert (states(), there.received) == (["waiting"], [])
    waiting = fetch_all("SELECT task_name, status::text FROM procrastinate_jobs WHERE queue_name = 'webhooks'")
    assert waiting == [("connectors.send_webhooks", "todo")]

    assert send_due() == 1

    [got] = there.received
    delivery = WebhookDelivery.objects.get()
    order_id = Order.objects.get().pk
    assert json.loads(got.body) == {
        "type": "order.accepted",
        "timestamp": delivery.event_at.isoformat().replace("+00:00", "Z"),
        "event_id": delivery.event_id,
        "data": {"order": {"id": order_id, "shop": "tm", "number": "T-1", "status": "paid"}},
    }
    assert got.headers["webhook-id"] == delivery.message_id
    assert Library(open_sealed(webhook.secret_sealed)).verify(got.body, got.headers)["type"] == "order.accepted"
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    [attempt] = WebhookAttempt.objects.all()
    assert (attempt.number, attempt.status, attempt.error, attempt.response) == (1, 200, "", "thanks")
    assert send_due() == 0
    assert len(there.received) == 1


def test_a_full_payload_tells_the_order_without_personal_data(live_company: None, there: Receiver) -> None:
    subscribe(there, "order.accepted", "return.received", "stock.changed", is_full=True)
    put("sh", A=5)
    take(paid("T-1"))
    take_back(return_of("R-1", order_external_id="T-1"))
    read()
    send_due()

    told = {json.loads(one.body)["type"]: json.loads(one.body)["data"] for one in there.received}
    order = told["order.accepted"]["order"]
    assert order["total"] == {"amount": "10.00", "currency": "CNY"}
    assert order["lines"] == [
        {
            "line": 1, "kind": "goods", "code": "A", "name": "name of A", "qty": 1,
            "amount": {"amount": "10.00", "currency": "CNY"},
        }
    ]  # fmt: skip
    assert set(order["ship_to"]) == {"province", "city"}
    assert told["return.received"]["return"]["total"] == {"amount": "-10.00", "currency": "CNY"}
    assert told["stock.changed"]["sku"]["code"] == "A"
    assert "available" in told["stock.changed"]["sku"]


def test_each_subscription_has_message_ids_of_its_own_and_shares_the_event_id(
    live_company: None, there: Receiver
) -> None:
    subscribe(there, name="erp")
    subscribe(there, name="crm")
    take(paid("T-1"))
    read()
    send_due()

    assert len(set(there.ids)) == 2
    assert len({json.loads(one.body)["event_id"] for one in there.received}) == 1


def test_only_what_is_subscribed_and_happens_after_the_subscription_is_sent(
    live_company: None, there: Receiver
) -> None:
    take(paid("T-0"))
    webhook = create_webhook(WebhookSpec("erp", there.url, ORDERS), actor="test", now=utc_now())
    off = subscribe(there, name="off", is_active=False)
    put("sh", A=5)
    take(paid("T-1"))
    read()

    rows = WebhookDelivery.objects.values_list("webhook_id", "event_name")
    assert list(rows) == [(webhook.pk, "order.accepted")]
    assert not off.deliveries.exists()


def test_a_receiver_that_is_down_gets_the_message_later_under_the_same_id(live_company: None, there: Receiver) -> None:
    subscribe(there)
    take(paid("T-1"))
    read()
    there.status = 500
    send_due(seconds=1)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("waiting", 1, 500)
    assert 3 < (delivery.next_at - utc_now()).total_seconds() <= 5.6
    assert Webhook.objects.get().failing_since is not None

    there.status = 200
    send_due(clock=at(10))

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, len(there.ids), len(set(there.ids))) == ("delivered", 2, 2, 1)
    assert there.received[0].body == there.received[1].body
    assert Webhook.objects.get().failing_since is None
    assert list(WebhookAttempt.objects.order_by("id").values_list("number", "status")) == [(1, 500), (2, 200)]


def test_the_ladder_ends_after_ten_attempts(live_company: None, there: Receiver) -> None:
    subscribe(there)
    take(paid("T-1"))
    read()
    there.status = 400
    for day in range(12):
        send_due(clock=at(day * 2 * 86_400), seconds=1)

    assert (states(), len(there.ids)) == (["failed"], 10)


def test_410_switches_the_subscription_off_and_nothing_more_is_sent(live_company: None, there: Receiver) -> None:
    webhook = subscribe(there)
    there.status = 410
    take(paid("T-1"))
    read()
    send_due()
    take(paid("T-2"))
    read()
    send_due()

    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.disabled_reason) == (False, "The receiver answered 410 Gone.")
    assert (len(there.ids), states()) == (1, ["failed"])


def test_429_pauses_everything_for_the_receiver_and_nobody_else(live_company: None, there: Receiver) -> None:
    webhook = subscribe(there)
    there.status, there.headers = 429, {"Retry-After": "120"}
    take(paid("T-1"))
    read()
    send_due(seconds=1)
    there.status = 200
    take(paid("T-2"))
    with receiver() as other:
        subscribe(other, name="other")
        take(paid("T-3"))
        read()
        send_due(seconds=1)
        assert len(other.ids) == 2

    webhook.refresh_from_db()
    assert 100 < (webhook.paused_until - utc_now()).total_seconds() <= 120
    assert len(there.ids) == 1
    send_due(clock=at(130))
    assert len(set(there.ids)) == 3


def test_a_rotation_signs_with_both_secrets_for_a_day(live_company: None, there: Receiver) -> None:
    webhook = subscribe(there)
    old = open_sealed(webhook.secret_sealed)
    new = open_sealed(rotate_secret(webhook.pk, actor="test", now=utc_now()).secret_sealed)
    assert old != new
    take(paid("T-1"))
    read()
    send_due()
    [got] = there.received
    for secret in (old, new):
        Library(secret).verify(got.body, got.headers)

    take(paid("T-2"))
    read()
    send_due(clock=at(25 * 3600))
    assert len(there.received[1].headers["webhook-signature"].split(" ")) == 1


def test_a_message_three_times_and_out_of_order_is_told_apart_by_its_id(live_company: None, there: Receiver) -> None:
    subscribe(there)
    take(paid("T-1"), paid("T-2"))
    read()
    send_due()
    first, second = WebhookDelivery.objects.order_by("id")
    for one in (second, first, first):
        replay_delivery(one.pk, now=utc_now())
        send_due()

    assert there.ids[2:] == [second.message_id, first.message_id, first.message_id]
    bodies = {one.headers["webhook-id"]: one.body for one in there.received}
    assert all(bodies[one.headers["webhook-id"]] == one.body for one in there.received)
    assert set(there.ids) == {first.message_id, second.message_id}
    with pytest.raises(Refusal):
        replay_delivery(10**9, now=utc_now())


def test_a_range_is_replayed_with_what_was_never_written(live_company: None, there: Receiver) -> None:
    webhook = subscribe(there)
    begin = utc_now() - timedelta(minutes=1)
    take(paid("T-1"))
    read()
    send_due()
    change_webhook(webhook.pk, WebhookSpec("erp", there.url, ORDERS, is_active=False), actor="test", now=utc_now())
    take(paid("T-2"))
    put("sh", A=1)
    read()
    assert len(states()) == 1
    change_webhook(webhook.pk, WebhookSpec("erp", there.url, ORDERS), actor="test", now=utc_now())

    assert replay_range(webhook.pk, begin, utc_now() + timedelta(minutes=1), now=utc_now()) == 2
    send_due()

    numbers = [json.loads(one.body)["data"]["order"]["number"] for one in there.received]
    assert sorted(numbers) == ["T-1", "T-1", "T-2"]
    assert len(set(there.ids)) == 2
    with pytest.raises(Refusal):
        replay_range(webhook.pk, begin, begin, now=utc_now())


def test_a_test_message_goes_to_a_subscription_that_is_off_too(live_company: None, there: Receiver) -> None:
    webhook = subscribe(there, is_active=False)
    delivery = send_test(webhook.pk, actor="user:me", now=utc_now())
    send_due()

    assert WebhookDelivery.objects.get(pk=delivery).state == "delivered"
    told = json.loads(there.received[0].body)
    assert (told["type"], told["data"]) == ("webhook.test", {"webhook": "erp", "asked_by": "user:me"})


def test_a_sender_killed_between_sending_and_noting_leaves_a_message_that_is_sent_again(
    live_company: None, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(there)
    take(paid("T-1"))
    read()

    def send_and_die() -> None:
        sending._note = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        send_due()

    die_by_itself(send_and_die)

    delivery = WebhookDelivery.objects.get()
    assert (len(there.ids), delivery.state, delivery.attempts) == (1, "waiting", 1)
    assert not WebhookAttempt.objects.exists()
    assert send_due(seconds=1) == 0, "the lease of the dead sender still holds"

    assert send_due(clock=at(61)) == 1
    delivery.refresh_from_db()
    assert (delivery.state, len(there.ids), len(set(there.ids))) == ("delivered", 2, 1)


def test_two_senders_never_send_the_same_message_at_once(live_company: None, there: Receiver) -> None:
    subscribe(there)
    take(*[paid(f"T-{n}") for n in range(40)])
    read()

    made = run_together([lambda: send_due(seconds=5), lambda: send_due(seconds=5)])

    assert sum(made) == 40
    assert (len(there.ids), len(set(there.ids))) == (40, 40)
    assert set(states()) == {"delivered"}


def test_a_late_failure_does_not_undo_a_delivery(live_company: None, there: Receiver) -> None:
    subscribe(there)
    take(paid("T-1"))
    read()
    [late] = sending._claim(utc_now())
    assert send_due(clock=at(61)) == 1
    sending._note(late, NOW, sending.Answer(None, 5, "late"), utc_now())

    assert states() == ["delivered"]
    assert WebhookAttempt.objects.count() == 2


def test_what_ended_long_ago_is_forgotten(live_company: None, there: Receiver) -> None:
    subscribe(there)
    take(paid("T-1"))
    read()
    send_due()

    assert forget_old(utc_now()) == 0
    assert forget_old(utc_now() + timedelta(days=31)) == 1
    assert not WebhookAttempt.objects.exists()


def test_an_event_of_a_thing_that_is_gone_is_told_by_its_id(live_company: None, there: Receiver) -> None:
    subscribe(there, "order.accepted", "correction.booked", "stock.published", is_full=True)
    append(
        [
            NewEvent("order.accepted", "424242", {"day": "2026-11-18", "route": False}),
            NewEvent("correction.booked", "C-7", {"day": "2026-11-18"}),
            NewEvent("stock.published", "12", {"shop": 3, "qty": 7}),
        ]
    )
    read()

    told = [json.loads(body)["data"] for body in WebhookDelivery.objects.order_by("id").values_list("body", flat=True)]
    assert told == [
        {"order": {"id": 424242}},
        {"correction": {"number": "C-7"}},
        {"listing": {"id": 12}, "shop": 3, "qty": 7},
    ]


def test_the_statements_of_the_reader_do_not_grow_with_the_batch(live_company: None, there: Receiver) -> None:
    from tests.support.database import statements

    subscribe(there, is_full=True)
    take(paid("0"))
    read()
    counts = []
    for number in (1, 30):
        take(*[paid(f"{number}-{n}") for n in range(number)])
        settle()
        with statements() as sent:
            read_once(WEBHOOKS)
        counts.append(len(sent))
    assert counts[0] == counts[1]
