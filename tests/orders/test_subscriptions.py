"""Subscriptions: when they come, one order for each day, what is tried again, what people may do with them."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.company import ACTOR, DAY, HOUR, NOW, open_holds, order_ids, pool, put, statuses
from tests.support.database import statements
from tests.support.following import events
from tests.support.prices import ask
from tests.support.processes import run_together

from tongpan.access.models import AuditEntry
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import sweep_expired
from tongpan.orders.actions.cancelling import cancel_locked
from tongpan.orders.actions.closing import close_unpaid
from tongpan.orders.actions.locking import lock_orders
from tongpan.orders.engine import BuyerDoc, DeliveryDoc, ShipTo
from tongpan.orders.models import Order, Subscription, SubscriptionRun
from tongpan.orders.subscriptions.actions import change, pay_run, set_rules, subscribe, take_step
from tongpan.orders.subscriptions.engine import (
    LineSpec,
    Rhythm,
    SubscriptionSpec,
    first_day,
    next_day,
    next_from,
    parse_rules,
)
from tongpan.orders.subscriptions.queries import SubscriptionFilter, select_subscriptions
from tongpan.orders.subscriptions.runs import announce, run_due, settle_runs
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.models import PricedOrder, Usage

BY = {"actor": ACTOR, "now": NOW}
TODAY = date(2026, 11, 18)  # a Wednesday
WEDNESDAYS = Rhythm("week", 1, 3)
SPEC = SubscriptionSpec(
    "mall", BuyerDoc("member", "company", "m-1", "张三"), WEDNESDAYS, TODAY, [LineSpec("A", 2, 1250)],
    ShipTo("浙江省", "宁波市", recipient="张三", phone="13800000000", address="某路 1 号"),
)  # fmt: skip


def test_a_rhythm_keeps_its_day_also_over_shorter_months():
    last = Rhythm("month", 1, 31)

    assert first_day(last, date(2027, 2, 3)) == date(2027, 2, 28)
    assert next_day(last, date(2027, 2, 28)) == date(2027, 3, 31)
    assert next_day(Rhythm("month", 3, 15), date(2026, 11, 15)) == date(2027, 2, 15)
    assert first_day(Rhythm("month", 1, 10), TODAY) == date(2026, 12, 10)
    assert first_day(WEDNESDAYS, TODAY) == TODAY
    assert first_day(Rhythm("week", 2, 1), TODAY) == date(2026, 11, 23)
    assert next_day(Rhythm("week", 2, 1), date(2026, 11, 23)) == date(2026, 12, 7)


@given(
    st.sampled_from(["week", "month"]).flatmap(
        lambda unit: st.builds(Rhythm, st.just(unit), st.integers(1, 12), st.integers(1, 7 if unit == "week" else 31))
    ),
    st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    st.integers(0, 900),
)
@settings(max_examples=60, deadline=None)
def test_days_of_a_rhythm_rise_and_are_its_own(rhythm, earliest, ahead):
    first = first_day(rhythm, earliest)
    later = next_from(rhythm, first, earliest + timedelta(days=ahead))

    assert earliest <= first <= earliest + timedelta(days=31)
    assert later >= earliest + timedelta(days=ahead) or later == first
    assert next_day(rhythm, first) > first
    if rhythm.unit == "week":
        assert {first.isoweekday(), later.isoweekday()} == {rhythm.day}


def test_rules_that_make_no_sense_are_refused():
    for values in ({"price": "cheap"}, {"tries": 0}, {"remind_days": True}, {"often": 1}):
        with pytest.raises(Refusal, match=r".") as refusal:
            parse_rules(values)
        assert refusal.value.code == "subscription.rules"


def runs(subscription_id=None):
    rows = SubscriptionRun.objects.order_by("subscription_id", "due_on")
    rows = rows.filter(subscription_id=subscription_id) if subscription_id else rows
    return [(run.due_on, run.state, run.attempts, run.orders_made) for run in rows]


def told(*names):
    return [name.removeprefix("subscription.") for name, _ in events(*(f"subscription.{name}" for name in names))]


@pytest.fixture
def stocked(company):
    put("sh", A=9)


def test_on_its_day_a_subscription_becomes_an_order_that_waits_for_payment(stocked):
    i = subscribe(SPEC, **BY)
    assert (announce(NOW), announce(NOW)) == (1, 0)

    assert (run_due(NOW), run_due(NOW)) == (1, 0)

    order = Order.objects.get()
    assert (order.external_id, order.status, order.total_minor) == (f"sub-{i}-20261118", "placed", 2500)
    assert (order.ship_province, order.customer_id) == ("浙江省", Subscription.objects.get().customer_id)
    assert order.hold_until == NOW + timedelta(hours=48)
    assert pool("A") == (9, 0, 2)
    assert Subscription.objects.get().next_on == TODAY + timedelta(days=7)
    assert told("reminder", "ordered") == ["reminder", "ordered"]
    assert pay_run(i, "wechat", 2500, **BY) == order.pk
    assert (settle_runs(NOW), settle_runs(NOW)) == (1, 0)
    assert runs() == [(TODAY, "paid", 1, 1)]
    assert (statuses()[order.external_id], told("paid")) == ("paid", ["paid"])
    with pytest.raises(Refusal, match="waits for payment"):
        pay_run(i, "wechat", 2500, **BY)


def test_nothing_comes_before_its_day_and_the_reminder_comes_once(stocked):
    subscribe(replace(SPEC, first_on=TODAY + timedelta(days=1)), **BY)  # the next Wednesday

    assert announce(NOW + 3 * DAY) == 0
    assert announce(NOW + 4 * DAY) == 1  # three days before, as the rules say
    assert run_due(NOW + 4 * DAY) == 0
    assert runs() == [(TODAY + timedelta(days=7), "planned", 0, 0)]
    assert (Order.objects.count(), told("reminder")) == (0, ["reminder"])
    assert run_due(NOW + 7 * DAY) == 1


def test_missing_goods_are_tried_again_and_given_up_after_the_last_try(stocked):
    put("sh", "less", A=-8)
    i = subscribe(SPEC, **BY)

    assert run_due(NOW) == 1
    assert (runs(), Order.objects.count(), open_holds(), pool("A")) == ([(TODAY, "short", 1, 0)], 0, set(), (1, 0, 0))
    assert Subscription.objects.get().next_on == TODAY
    assert [row.pk for row in select_subscriptions(SubscriptionFilter("trouble"))] == [i]
    assert run_due(NOW + 23 * HOUR) == 0
    assert run_due(NOW + 24 * HOUR) == 1
    put("sh", "more", A=8)
    assert run_due(NOW + 48 * HOUR) == 1

    assert runs() == [(TODAY, "unpaid", 3, 1)]
    assert told("short", "ordered", "failed") == ["short", "short", "ordered"]


def test_a_run_that_is_given_up_leaves_the_next_day_as_it_is(stocked):
    put("sh", "less", A=-9)
    set_rules({"tries": 1}, **BY)
    subscribe(SPEC, **BY)

    assert run_due(NOW) == 1

    assert runs() == [(TODAY, "failed", 1, 0)]
    assert (told("failed"), Subscription.objects.get().next_on) == (["failed"], TODAY + timedelta(days=7))
    assert run_due(NOW + DAY) == 0


def test_what_is_not_paid_in_time_is_ordered_again_under_another_number(stocked):
    i = subscribe(SPEC, **BY)
    run_due(NOW)
    late = NOW + timedelta(hours=48)
    sweep_expired(actor=ACTOR, now=late)
    close_unpaid(order_ids([f"sub-{i}-20261118"]), actor=ACTOR, now=late)

    assert settle_runs(late) == 1
    assert (runs(), told("unpaid"), pool("A")) == ([(TODAY, "again", 1, 1)], ["unpaid"], (9, 0, 0))
    assert run_due(late + 23 * HOUR) == 0
    assert run_due(late + 24 * HOUR) == 1

    assert statuses() == {f"sub-{i}-20261118": "cancelled", f"sub-{i}-20261118-2": "placed"}
    assert runs() == [(TODAY, "unpaid", 2, 2)]


def test_an_order_that_a_person_cancelled_is_not_made_again(stocked):
    i = subscribe(SPEC, **BY)
    run_due(NOW)
    cancel_locked(list(lock_orders(order_ids([f"sub-{i}-20261118"])).values()), "the buyer asked for it", **BY)

    assert settle_runs(NOW) == 1
    assert run_due(NOW + 3 * DAY) == 0
    assert runs() == [(TODAY, "skipped", 1, 1)]


def test_one_that_cannot_be_served_does_not_stop_the_others(stocked):
    first = subscribe(SPEC, **BY)
    second = subscribe(replace(SPEC, lines=[LineSpec("A", 100, 1)]), **BY)
    third = subscribe(replace(SPEC, buyer=BuyerDoc("member", "company", "m-2")), **BY)

    assert run_due(NOW) == 3

    assert [state for i in (first, second, third) for _, state, _, _ in runs(i)] == ["unpaid", "short", "unpaid"]
    assert set(statuses()) == {f"sub-{first}-20261118", f"sub-{third}-20261118"}
    assert pool("A") == (9, 0, 4)


def test_a_run_costs_the_price_of_the_day_where_the_rules_say_so(stocked):
    set_rules({"price": "list"}, **BY)
    i = subscribe(SPEC, **BY)
    assert run_due(NOW) == 1
    assert SubscriptionRun.objects.get().problem == (
        "Neither the price lists nor the listings of shop mall have a price of SKU A."
    )
    save_listings([ListingSpec("mall", "I-1", "S-1", "A", "A", price_minor=1999)], **BY)

    assert run_due(NOW + DAY) == 1

    assert Order.objects.get().total_minor == 3998
    assert Subscription.objects.get(pk=i).lines.get().unit_minor == 1250


def publish_rules(*rules):
    save_draft("d", {"rules": list(rules)}, **BY)
    publish("d", **BY)


def test_a_run_by_the_list_takes_the_price_book_and_promotions_and_keeps_who_bears_them(stocked):
    set_rules({"price": "list"}, **BY)
    save_listings([ListingSpec("mall", "I-1", "S-1", "A", "A", price_minor=1999)], **BY)
    ask("own", A=1500)
    fifth = {"code": "fifth", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 20}, "name_zh": "八折"}
    publish_rules(fifth | {"conditions": {"sources": ["subscription"]}, "payers": {"shop": 1, "platform": 1}})
    subscribe(SPEC, **BY)

    assert run_due(NOW) == 1

    order = Order.objects.get()
    assert order.total_minor == 2400
    assert fetch_all("SELECT payer, code, name, amount_minor FROM orders_discount ORDER BY 1") == [
        ("platform", "fifth", "八折", 300),
        ("shop", "fifth", "八折", 300),
    ]
    usage = Usage.objects.get()
    assert (usage.order_id, usage.discount_minor, usage.customer_id) == (order.pk, 600, order.customer_id)
    assert PricedOrder.objects.get().list_minor == 3000


def test_an_agreed_price_stays_what_it_is_whatever_is_on_offer(stocked):
    publish_rules({"code": "fifth", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 20}})
    ask("own", A=1500)
    subscribe(SPEC, **BY)

    run_due(NOW)

    assert Order.objects.get().total_minor == 2500
    assert not Usage.objects.exists() and not PricedOrder.objects.exists()


def test_an_offer_that_is_not_enough_for_all_runs_goes_to_the_first_and_the_others_pay_the_list_price(stocked):
    set_rules({"price": "list"}, **BY)
    ask("own", A=1500)
    publish_rules(
        {"code": "fifth", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 20}, "limits": {"uses": 1}}
    )
    made = [subscribe(replace(SPEC, buyer=BuyerDoc("member", "company", f"m-{n}")), **BY) for n in range(3)]

    assert run_due(NOW) == 3

    totals = dict(fetch_all("SELECT external_id, total_minor FROM orders_order"))
    assert [totals[f"sub-{i}-20261118"] for i in made] == [2400, 3000, 3000]
    assert Usage.objects.count() == 1
    assert fetch_all("SELECT used FROM promotions_counter WHERE key = 'fifth:uses'") == [(1,)]


def test_a_pause_leaves_out_the_days_that_pass_and_an_end_is_final(stocked):
    i = subscribe(SPEC, **BY)
    announce(NOW)
    assert (take_step(i, "pause", **BY), take_step(i, "pause", **BY)) == (True, False)
    assert run_due(NOW) == 0

    later = {"actor": ACTOR, "now": NOW + 8 * DAY}
    assert take_step(i, "resume", **later) is True
    assert Subscription.objects.get().next_on == TODAY + timedelta(days=14)
    assert runs() == [(TODAY, "skipped", 0, 0)]
    assert take_step(i, "skip", **later) is True
    assert Subscription.objects.get().next_on == TODAY + timedelta(days=21)
    assert take_step(i, "cancel", **later) is True
    with pytest.raises(Refusal, match="cannot resume"):
        take_step(i, "resume", **later)
    with pytest.raises(Refusal, match="has ended"):
        change(i, lines=[LineSpec("A", 1, 1)], **later)
    assert run_due(NOW + 30 * DAY) == 0
    assert Order.objects.count() == 0
    assert told("created", "paused", "resumed", "skipped", "cancelled") == [
        "created", "paused", "resumed", "skipped", "cancelled"]  # fmt: skip
    assert AuditEntry.objects.filter(object_type="subscription", object_id=str(i)).count() == 5


def test_a_change_counts_from_the_next_run_on(stocked):
    i = subscribe(SPEC, **BY)
    announce(NOW)
    change(i, lines=[LineSpec("A", 1, 900)], rhythm=Rhythm("month", 1, 20), **BY)

    assert run_due(NOW) == 0
    assert run_due(NOW + 2 * DAY) == 1
    assert Order.objects.get().total_minor == 900
    assert runs() == [(TODAY, "skipped", 0, 0), (date(2026, 11, 20), "unpaid", 1, 1)]


def test_another_rhythm_with_the_same_next_day_leaves_that_run_as_it_is(stocked):
    i = subscribe(SPEC, **BY)
    announce(NOW)
    change(i, rhythm=Rhythm("week", 2, 3), **BY)

    assert run_due(NOW) == 1
    assert (runs(), Subscription.objects.get().next_on) == ([(TODAY, "unpaid", 1, 1)], TODAY + timedelta(days=14))


def test_days_that_nobody_ran_are_not_made_up_for(stocked):
    subscribe(SPEC, **BY)

    assert run_due(NOW + 22 * DAY) == 1
    assert run_due(NOW + 22 * DAY) == 0
    assert Subscription.objects.get().next_on == TODAY + timedelta(days=28)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (replace(SPEC, shop_code="none"), "subscription.shop"),
        (replace(SPEC, first_on=TODAY - timedelta(days=1)), "subscription.first_on"),
        (replace(SPEC, lines=[LineSpec("nothing", 1, 1)]), "subscription.sku"),
        (replace(SPEC, lines=[]), "subscription.lines"),
        (replace(SPEC, rhythm=Rhythm("week", 1, 8)), "subscription.rhythm"),
        (replace(SPEC, buyer=BuyerDoc("member", "company", " ")), "subscription.buyer"),
        (replace(SPEC, delivery=DeliveryDoc("ship", "", NOW, NOW + HOUR)), "subscription.delivery"),
    ],
)
def test_what_cannot_be_a_subscription_is_refused_and_leaves_nothing(stocked, spec, code):
    with pytest.raises(Refusal) as refusal:
        subscribe(spec, **BY)

    assert refusal.value.code == code
    assert Subscription.objects.count() == 0


def test_who_gets_it_where_is_sealed(stocked):
    subscribe(SPEC, **BY)

    assert fetch_all("SELECT position('13800000000'::bytea IN contents_sealed) FROM orders_subscription") == [(0,)]


def test_as_many_statements_run_one_as_many(stocked):
    counts = []
    for number in (1, 4):
        for n in range(number):
            subscribe(replace(SPEC, lines=[LineSpec("A", 1, 1)], buyer=BuyerDoc("member", "company", f"{number}-{n}")),
                      **BY)  # fmt: skip
        with statements() as seen:
            assert run_due(NOW) == number
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("live_company")
def test_two_processes_make_one_order():
    put("sh", A=9)
    i = subscribe(SPEC, **BY)

    tried = run_together([partial(run_due, NOW), partial(run_due, NOW)])

    assert sorted(tried) == [0, 1]
    assert statuses() == {f"sub-{i}-20261118": "placed"}
    assert pool("A") == (9, 0, 2)
