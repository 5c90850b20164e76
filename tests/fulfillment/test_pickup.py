"""Pickups: a code that counts once, reminders, expiry, and who handed what over where and when."""

from datetime import timedelta

import pytest
from tests.support.company import DAY, HOUR, NOW, fulfillments, goods, levels, open_holds, paid, pool, put, statuses
from tests.support.following import events, route_all
from tests.support.intake import take
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions.desk import make_ready
from tongpan.fulfillment.actions.handing import collect, expire_pickups, find_code, hand_over, remind
from tongpan.fulfillment.actions.offering import set_clocks
from tongpan.fulfillment.models import Fulfillment, PickupCode
from tongpan.fulfillment.pickup.codes import ALPHABET, code_of, read_code, shown
from tongpan.fulfillment.pickup.queries import code_for, codes_for, to_remind
from tongpan.fulfillment.queries import reconcile
from tongpan.orders.engine import DeliveryDoc

BY = {"actor": "user:li", "now": NOW + HOUR}
LATER = {"actor": "user:wang", "now": NOW + 2 * HOUR}


def ready(number="1"):
    """The id of a fulfilment that waits at "bj" for its buyer."""
    put("bj", name=f"for {number}", A=2)
    take(paid(number, goods("A", 2), delivery=DeliveryDoc("pickup", "bj")))
    route_all(number)
    i = Fulfillment.objects.get(order__external_id=number).pk
    (outcome,) = make_ready([i], **BY)
    assert outcome.state == "done", outcome
    return i


def node(code):
    return fetch_all("SELECT id FROM network_node WHERE code = %s", [code])[0][0]


def test_a_code_is_read_however_it_is_typed_or_scanned():
    code = code_of(bytes(range(1, 6)))

    assert len(code) == 9
    assert set(code) <= set(ALPHABET)
    typed = shown(code).lower().replace("0", "o").replace("1", "l")
    for text in (code, shown(code), f" {typed} ", f"https://shop.example/p/{code}", f"https://x/p/{code}?a=1"):
        assert read_code(text) == code
    for text in ("", "hello", code[:-1], code + "A", "UUUUUUUUU", "p/"):
        assert read_code(text) == ""


def test_every_single_wrong_character_is_found():
    code = code_of(b"\x91\x02\xfe\x44\x05")

    wrong = [code[:at] + other + code[at + 1 :] for at in range(9) for other in ALPHABET if other != code[at]]

    assert [text for text in wrong if read_code(text)] == []


@pytest.mark.usefixtures("company")
def test_the_buyer_shows_the_code_and_the_goods_leave_once():
    i = ready()
    code = code_for(i)
    assert codes_for(Fulfillment.objects.get(pk=i).order_id) == {i: code}
    assert code.encode() not in bytes(PickupCode.objects.get().digest) + bytes(PickupCode.objects.get().salt)

    outcome = collect(shown(code), nodes={node("bj")}, **BY)

    assert (outcome.state, outcome.status) == ("done", "delivered")
    assert fulfillments("1") == [("bj", "delivered", {"A": 2})]
    assert statuses() == {"1": "delivered"}
    assert levels("A")["bj"] == (0, 0)
    found = Fulfillment.objects.get(pk=i)
    assert (found.collected_at, found.worked_by) == (NOW + HOUR, "user:li")
    assert (found.pickup.used_at, found.pickup.used_by) == (NOW + HOUR, "user:li")
    assert [name for name, _ in events("fulfillment.ready", "fulfillment.collected", "fulfillment.delivered")] == [
        "fulfillment.ready",
        "fulfillment.collected",
        "fulfillment.delivered",
    ]
    again = collect(code, **LATER)
    assert (again.state, again.code) == ("refused", "pickup.collected")
    assert again.reason == (
        "Order 1 was handed over at Beijing already by li at 2026-11-18 17:00; its code counts once."
    )
    assert code_for(i) == ""
    assert reconcile()[1] == []


@pytest.mark.usefixtures("company")
def test_a_wrong_code_and_one_of_another_store_are_refused_in_clear_words():
    code = code_for(ready())
    other = code_of(b"\x01\x02\x03\x04\x05")

    assert collect("abc", **BY).code == "pickup.form"
    assert collect(other, **BY).reason == "Nobody has this pickup code. Ask the buyer to show it again."
    elsewhere = collect(code, nodes={node("sh")}, **BY)
    assert (elsewhere.code, elsewhere.reason) == (
        "pickup.elsewhere",
        "Order 1 waits at Beijing, not here; send the buyer there.",
    )
    assert fulfillments("1") == [("bj", "ready", {"A": 2})]


@pytest.mark.usefixtures("company")
def test_after_ten_wrong_codes_no_more_are_looked_at_for_a_while():
    code = code_for(ready())
    for number in range(10):
        assert collect(code_of(bytes([number, 9, 9, 9, 9])), **BY).code == "pickup.unknown"

    assert collect(code, **BY).code == "pickup.guesses"
    with pytest.raises(Refusal, match="Too many wrong codes"):
        find_code(code, **BY)
    # another person is not kept waiting, and neither is this one ten minutes later
    assert find_code(code, **LATER).number == "1"
    assert collect(code, actor="user:li", now=NOW + HOUR + timedelta(minutes=10)).state == "done"


def test_of_two_clerks_who_verify_one_code_at_once_one_wins(live_company):
    code = code_for(ready())

    outcomes = run_together(
        [lambda by=by: collect(code, actor=f"user:{by}", now=NOW + HOUR) for by in ("li", "wang", "wu")]
    )

    assert sorted(outcome.state for outcome in outcomes) == ["done", "refused", "refused"]
    assert {outcome.code for outcome in outcomes} == {"", "pickup.collected"}
    assert levels("A")["bj"] == (0, 0)
    assert len(events("fulfillment.collected")) == 1


@pytest.mark.usefixtures("company")
def test_without_its_code_a_pickup_is_handed_over_for_a_reason_that_is_kept():
    i = ready()

    with pytest.raises(Refusal) as refused:
        hand_over([i], "ok", **BY)
    assert refused.value.code == "pickup.reason"
    assert hand_over([i], "identity card shown", **BY)[0].state == "done"

    assert events("fulfillment.collected")[0][1]["without_code"] == "identity card shown"
    assert collect(code_of(b"12345"), **LATER).code == "pickup.unknown"


@pytest.mark.usefixtures("company")
def test_the_buyer_is_reminded_once_before_the_time_is_over():
    i = ready()
    assert Fulfillment.objects.get(pk=i).collect_by == NOW + HOUR + 7 * DAY

    assert remind(NOW + 5 * DAY) == 0
    assert list(to_remind(NOW + 5 * DAY + HOUR)) == [Fulfillment.objects.get(pk=i)]
    assert remind(NOW + 5 * DAY + HOUR) == 1
    assert remind(NOW + 5 * DAY + 2 * HOUR) == 0

    ((_, told),) = events("fulfillment.pickup_reminder")
    assert told["collect_by"] == (NOW + HOUR + 7 * DAY).isoformat()


@pytest.mark.usefixtures("company")
def test_what_nobody_fetches_is_on_sale_again_and_the_office_decides():
    code = code_for(ready())

    assert expire_pickups(NOW + 7 * DAY) == 0
    assert collect(code, actor="user:li", now=NOW + 8 * DAY).code == "pickup.expired"
    assert expire_pickups(NOW + 8 * DAY) == 1
    assert expire_pickups(NOW + 8 * DAY) == 0

    assert fulfillments("1") == [("bj", "cancelled", {"A": 2})]
    assert pool("A") == (2, 0, 0)
    assert open_holds() == {("1", "manual")}
    assert statuses() == {"1": "paid"}
    assert len(events("fulfillment.expired")) == 1
    late = collect(code, actor="user:li", now=NOW + 9 * DAY)
    assert (late.code, "do not hand it over" in late.reason) == ("pickup.expired", True)
    assert reconcile()[1] == []


@pytest.mark.usefixtures("company")
def test_by_setting_the_order_of_an_expired_pickup_is_cancelled():
    set_clocks({"after_expiry": "cancel", "keep_days": 1}, actor="test", now=NOW)
    ready()

    assert expire_pickups(NOW + 2 * DAY) == 1

    assert statuses() == {"1": "cancelled"}
    assert open_holds() == set()
    assert pool("A") == (2, 0, 0)
