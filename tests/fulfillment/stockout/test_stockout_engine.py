"""The ways out of a stock-out, in the order that the channel prefers."""

from datetime import UTC, datetime

import pytest

from tongpan.core.errors import Refusal
from tongpan.fulfillment.stockout.engine import STRATEGIES, Incoming, Option, Place, Policy, options, policy_of

HERE = (0.0, 0.0)
DUE = datetime(2026, 12, 1, tzinfo=UTC)


def km(lat1, lon1, lat2, lon2):
    return abs(lat1 - lat2) + abs(lon1 - lon2)


def place(code, kind="store", at=1.0, *, serves=False, **free):
    return Place(len(code), code, code, kind, at, 0.0, serves, {int(k[1:]): v for k, v in free.items()})


def ways(needs, *places, at=HERE, incoming=(), **policy):
    return {o.strategy: o for o in options(needs, at, places, incoming, policy=Policy(**policy), distance=km)}


def test_the_nearest_store_that_has_everything_is_offered():
    near, far, part = place("near", at=5, s1=2, s2=1), place("far", at=9, s1=9, s2=9), place("part", at=1, s1=9)

    assert ways({1: 2, 2: 1}, far, part, near)["nearest_store"] == Option("nearest_store", True, node=near, km=5.0)


def test_a_warehouse_is_no_place_to_collect():
    assert ways({1: 1}, place("w", "central", s1=5))["nearest_store"] == Option("nearest_store", False, "no_store")


def test_a_store_too_far_away_is_named_but_not_offered():
    far = place("far", at=51, s1=1)

    assert ways({1: 1}, far)["nearest_store"] == Option("nearest_store", False, "too_far", node=far, km=51.0)
    assert ways({1: 1}, far, pickup_km=51)["nearest_store"].is_open


def test_without_the_buyers_place_nobody_is_sent_anywhere():
    assert ways({1: 1}, place("near", s1=1), at=None)["nearest_store"] == Option("nearest_store", False, "no_place")


def test_goods_are_transferred_to_the_serving_node_nearest_to_the_buyer_from_the_one_nearest_to_it():
    to, other = place("to", "central", 10, serves=True), place("other", "central", 90, serves=True)
    giver, farther = place("giver", at=30, s1=5), place("farther", at=80, s1=5)

    assert ways({1: 5}, other, farther, giver, to)["transfer"] == Option("transfer", True, node=giver, km=20.0, to=to)


def test_a_transfer_needs_somebody_who_has_everything():
    to, half = place("to", "central", serves=True, s1=1), place("half", s1=1)

    assert ways({1: 2}, to, half)["transfer"] == Option("transfer", False, "no_stock", to=to)
    assert ways({1: 1}, half)["transfer"] == Option("transfer", False, "no_stock")


def test_a_transfer_too_far_is_not_offered():
    to, giver = place("to", "central", serves=True), place("giver", at=500, s1=1)

    assert ways({1: 1}, to, giver, transfer_km=100)["transfer"].why == "too_far"


def test_a_reservation_is_due_when_the_last_goods_needed_have_come():
    early, late = DUE.replace(day=2), DUE.replace(day=5)
    coming = [Incoming(1, 1, late), Incoming(1, 1, early), Incoming(2, 9, early), Incoming(2, 1, None)]

    assert ways({1: 1, 2: 1}, incoming=coming)["reservation"] == Option("reservation", True, due=early)
    assert ways({1: 2, 2: 1}, incoming=coming)["reservation"].due == late
    assert ways({1: 3}, incoming=coming)["reservation"] == Option("reservation", True, due=None)


def test_urgent_replenishment_goes_to_the_serving_node_nearest_to_the_buyer():
    near, far = place("near", "sub_warehouse", 3, serves=True), place("far", "central", 8, serves=True)

    assert ways({1: 1}, far, near)["urgent"] == Option("urgent", True, to=near)
    assert ways({1: 1}, place("store"))["urgent"] == Option("urgent", False, "no_stock")


def test_equally_near_nodes_go_by_code():
    b, a = place("b", s1=1), place("a", s1=1)

    assert ways({1: 1}, b, a)["nearest_store"].node == a


def test_the_order_is_the_channels_own():
    assert [o.strategy for o in options({1: 1}, HERE, [], [], policy=Policy(), distance=km)] == list(STRATEGIES)
    assert [o.strategy for o in options({1: 1}, HERE, [], [], policy=Policy(("urgent", "transfer")), distance=km)] == [
        "urgent",
        "transfer",
    ]


def test_a_policy_comes_from_the_setting():
    setting = {"default": {"pickup_km": 20}, "channels": {"tmall": {"order": ["transfer"]}}}

    assert policy_of(None, "tmall") == Policy()
    assert policy_of(setting, "own") == Policy(pickup_km=20)
    assert policy_of(setting, "tmall") == Policy(("transfer",), pickup_km=20)


@pytest.mark.parametrize(
    "entry",
    [
        {"order": ["teleport"]},
        {"order": ["urgent", "urgent"]},
        {"order": "urgent"},
        {"pickup_km": 0},
        {"pickup_km": True},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(entry):
    with pytest.raises(Refusal) as refused:
        policy_of({"default": entry}, "tmall")

    assert refused.value.code == "stockout.setting"
