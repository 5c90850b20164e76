"""The review of orders: what its rules find, and what becomes of holds that stand already."""

from dataclasses import replace

import pytest

from tongpan.core.errors import Refusal
from tongpan.orders.review import (
    Facts,
    Rules,
    StandingHold,
    UnderFloor,
    decide,
    parse_rules,
    review,
    seen_of,
)

GOOD = Facts(
    status="paid",
    currency="CNY",
    total_minor=10_000,
    units=2,
    recipient="张三",
    phone="13812345678",
    address="中山路1号",
    province="浙江省",
    city="宁波市",
    place_is_known=True,
)


def rules_of(facts):
    return [(finding.reason, finding.rule) for finding in review(facts, Rules())]


def test_an_order_without_fault_is_approved():
    assert review(GOOD, Rules()) == []


def test_an_unpaid_order_waits_for_its_payment():
    assert rules_of(replace(GOOD, status="placed")) == [("unpaid", "unpaid")]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"phone": ""}, [{"rule": "address", "missing": ["phone"]}]),
        ({"recipient": " ", "address": ""}, [{"rule": "address", "missing": ["recipient", "address"]}]),
        ({"place_is_known": False}, [{"rule": "address", "place": "浙江省 宁波市"}]),
        (
            {"province": "", "city": "", "place_is_known": False, "phone": ""},
            [{"rule": "address", "missing": ["phone"]}, {"rule": "address", "place": ""}],
        ),
    ],
)
def test_an_incomplete_address_or_an_unknown_place_is_held(changes, found):
    findings = review(replace(GOOD, **changes), Rules())

    assert ({f.reason for f in findings}, seen_of(findings)) == ({"address"}, found)
    assert review(replace(GOOD, **changes), Rules(address=False)) == []


@pytest.mark.parametrize("place", [{}, {"province": "浙江省"}])
def test_an_order_that_gives_no_address_is_held_only_where_one_is_required(place):
    nothing = Facts(status="paid", currency="CNY", total_minor=1, units=1, **place)

    assert review(nothing, Rules()) == []
    assert {f.reason for f in review(nothing, Rules(address_required=True))} == {"address"}


def test_a_line_under_its_floor_is_held_with_both_amounts():
    line = UnderFloor(line_no=2, sku="A", qty=3, amount_minor=2000, floor_minor=700)

    (finding,) = review(replace(GOOD, under_floor=[line]), Rules())

    assert finding.sentence == "Line 2 sells 3 × A for 20.00 CNY; its floor is 21.00 CNY."
    assert seen_of([finding]) == [
        {"rule": "price_floor", "line": 2, "sku": "A", "qty": 3, "amount_minor": 2000, "floor_minor": 700}
    ]
    assert review(replace(GOOD, under_floor=[line]), Rules(price_floor=False)) == []


@pytest.mark.parametrize(
    ("facts", "rules", "found"),
    [
        ({"listed": {"phone", "buyer"}}, {}, ["blacklist", "blacklist"]),
        ({"listed": {"phone"}}, {"blacklist": False}, []),
        ({"total_minor": 10_001}, {"amount_over": {"CNY": 10_000}}, ["amount_over"]),
        ({"total_minor": 10_000}, {"amount_over": {"CNY": 10_000}}, []),
        ({"total_minor": 10_001}, {"amount_over": {"USD": 10_000}}, []),
        ({"units": 101}, {"units_over": 100}, ["units_over"]),
        ({"units": 100}, {"units_over": 100}, []),
        ({"remarks": ["", "请走特殊渠道"]}, {"words": ("特殊渠道", "刷单")}, ["words"]),
        ({"remarks": ["Please call FRAUD dept"]}, {"words": ("fraud",)}, ["words"]),
        ({"remarks": ["thanks"]}, {"words": ("fraud",)}, []),
        ({"recent": 6}, {"orders_within": (5, 60)}, ["orders_within"]),
        ({"recent": 5}, {"orders_within": (5, 60)}, []),
    ],
)
def test_risks_are_found_beyond_their_limit_only(facts, rules, found):
    findings = review(replace(GOOD, **facts), Rules(**rules))

    assert [f.rule for f in findings] == found
    assert {f.reason for f in findings} <= {"risk"}


def test_no_finding_tells_whose_phone_or_name_it_was():
    held = replace(GOOD, phone="", listed={"buyer", "phone"}, place_is_known=False)

    said = repr(review(held, Rules()))

    assert "张三" not in said
    assert "138" not in said


def test_a_finding_opens_a_hold_once():
    findings = review(replace(GOOD, phone=""), Rules())
    seen = seen_of(findings)

    assert list(decide(findings, []).opened) == ["address"]
    standing = StandingHold("address", True, seen)
    again = decide(findings, [standing])
    assert (again.opened, again.released, again.renewed) == ({}, [], {})


def test_a_hold_is_released_when_nothing_is_found_any_more():
    standing = StandingHold("address", True, [{"rule": "address", "missing": ["phone"]}])

    assert decide([], [standing]).released == ["address"]


def test_a_hold_that_a_person_opened_is_not_released_by_the_review():
    assert decide([], [StandingHold("risk", True), StandingHold("manual", True)]).released == []


def test_what_a_person_let_pass_is_not_held_again_but_something_new_is():
    findings = review(replace(GOOD, phone=""), Rules())
    passed = StandingHold("address", False, seen_of(findings), by_person=True)

    assert decide(findings, [passed]).opened == {}
    worse = review(replace(GOOD, phone="", address=""), Rules())
    assert list(decide(worse, [passed]).opened) == ["address"]


def test_what_the_review_released_itself_is_held_again():
    findings = review(replace(GOOD, phone=""), Rules())
    ended = StandingHold("address", False, seen_of(findings), by_person=False)

    assert list(decide(findings, [ended]).opened) == ["address"]


def test_an_open_hold_tells_what_is_found_now():
    before = review(replace(GOOD, phone=""), Rules())
    now = review(replace(GOOD, address=""), Rules())

    verdict = decide(now, [StandingHold("address", True, seen_of(before))])

    assert (verdict.opened, verdict.released, list(verdict.renewed)) == ({}, [], ["address"])


def test_rules_survive_their_json():
    rules = Rules(False, True, False, False, {"CNY": 5}, 7, ("刷单",), (3, 60))

    assert parse_rules(rules.as_json()) == rules
    assert parse_rules({}) == Rules()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"adress": True}, "adress"),
        ({"address": "yes"}, "address"),
        ({"amount_over": {"CNY": 0}}, "amount_over"),
        ({"amount_over": {"CNY": True}}, "amount_over"),
        ({"amount_over": [1]}, "amount_over"),
        ({"units_over": -1}, "units_over"),
        ({"words": "abc"}, "words"),
        ({"words": [" "]}, "words"),
        ({"orders_within": [5]}, "orders_within"),
        ({"orders_within": [5, 10**9]}, "orders_within"),
    ],
)
def test_bad_rules_are_refused_by_name(given, named):
    with pytest.raises(Refusal) as refused:
        parse_rules(given)

    assert refused.value.code == "review.rules"
    assert named in refused.value.sentence
