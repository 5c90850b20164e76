"""Pages of subscriptions: found, exported, stepped; and the form of their rules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now
from tongpan.orders.engine import BuyerDoc
from tongpan.orders.models import Order, Subscription
from tongpan.orders.subscriptions.actions import current_rules, subscribe
from tongpan.orders.subscriptions.engine import LineSpec, Rhythm, Rules, SubscriptionSpec
from tongpan.orders.subscriptions.runs import run_due


@pytest.fixture
def subscription(company) -> Subscription:
    now = utc_now()
    today = business_day(now, DEFAULT_ZONE)
    rhythm = Rhythm("week", 1, today.isoweekday())
    for shop, sku in (("tm", "BAG"), ("tm", "OUT")):
        spec = SubscriptionSpec(shop, BuyerDoc("buyer", "company", f"b-{sku}"), rhythm, today, [LineSpec(sku, 1, 990)])
        subscribe(spec, actor="test", now=now)
    run_due(now)
    return Subscription.objects.get(lines__sku__code="BAG")


def test_subscriptions_are_found_and_show_what_needs_attention(subscription, sign_in):
    client = sign_in()

    everything = client.get("/subscriptions/").content.decode()
    assert everything.count('class="cell-main"') == 2
    assert "Goods are missing" in everything and "Waits for payment" in everything
    assert client.get("/subscriptions/?q=BAG").content.decode().count('class="cell-main"') == 1
    assert client.get("/subscriptions/?state=cancelled").content.decode().count('class="cell-main"') == 0
    lines = b"".join(client.get("/subscriptions/export/?format=csv&q=BAG").streaming_content).decode().splitlines()
    assert len(lines) == 2


def test_a_person_leaves_a_run_out_pauses_and_ends_it(subscription, sign_in):
    client, at = sign_in(), f"/subscriptions/{subscription.pk}/"
    page = client.get(at).content.decode()
    assert f"/orders/{Order.objects.get(external_id__startswith='sub-').pk}/" in page
    before = subscription.next_on

    for step in ("skip", "pause", "nonsense"):
        client.post(at, {"step": step})
    subscription.refresh_from_db()
    assert (subscription.state, subscription.next_on) == ("paused", before + timedelta(days=7))
    client.post(at, {"step": "cancel"})
    subscription.refresh_from_db()
    assert subscription.state == "cancelled"
    assert 'name="step"' not in client.get(at).content.decode()


def test_who_may_not_edit_orders_looks_only(subscription, sign_in):
    client, at = sign_in("analyst"), f"/subscriptions/{subscription.pk}/"

    assert 'name="step"' not in client.get(at).content.decode()
    assert client.post(at, {"step": "cancel"}).status_code == 403
    subscription.refresh_from_db()
    assert subscription.state == "active"


def test_the_rules_are_set_by_a_form(company, sign_in):
    client = sign_in()
    values = {"price": "list", "remind_days": 2, "pay_hours": 24, "retry_hours": 12, "tries": 2}

    assert client.post("/subscriptions/rules/", values | {"tries": 0}).status_code == 200
    assert current_rules() == Rules()
    assert client.post("/subscriptions/rules/", values).status_code == 302
    assert current_rules() == Rules("list", 2, 24, 12, 2)
