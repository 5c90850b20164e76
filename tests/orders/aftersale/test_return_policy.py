"""Two windows, overrides, conditions: what may come back, and the sentence that says why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tongpan.core.errors import Refusal
from tongpan.orders.aftersale.engine.deciding import (
    CaseFacts,
    LineFacts,
    Standing,
    decide,
    refusal_of_auto_approval,
    refusal_of_instant,
    window_end,
)
from tongpan.orders.aftersale.engine.policy import Policy, parse_policy

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def line(**more: Any) -> LineFacts:
    given = {"line_no": 1, "sku": "A", "category": "tops", "bought": 2, "taken": 0, "qty": 1, "reason": "no_reason"}
    return LineFacts(**(given | more))  # type: ignore[arg-type]


def case(*lines: LineFacts, **more: Any) -> CaseFacts:
    given = {
        "kind": "return", "number": "T1", "status": "delivered", "channel": "tmall", "tier": "",
        "zone": "Asia/Shanghai", "dispatched_at": NOW - 5 * DAY, "delivered_at": NOW - 3 * DAY,
    }  # fmt: skip
    return CaseFacts(**(given | more), lines=lines or (line(),))  # type: ignore[arg-type]


def test_unopened_goods_come_back_without_a_reason_within_seven_days_and_the_buyer_pays_the_way() -> None:
    answer = decide(Policy(), case(), NOW)

    assert (answer.is_allowed, answer.lines[0].layer, answer.lines[0].rule) == (
        True, "no_reason", "returns.no_reason_days",
    )  # fmt: skip
    assert (answer.freight_payer, answer.charges) == ("buyer", "none")
    assert "until 2026-11-22" in answer.sentence


def test_the_window_ends_at_midnight_of_the_channel_after_whole_days() -> None:
    arrived = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)

    end = window_end(arrived, 7, "Asia/Shanghai")

    assert end == datetime(2026, 11, 8, 16, 0, tzinfo=UTC)
    inside, outside = end - timedelta(microseconds=1), end
    facts = case(delivered_at=arrived)
    assert decide(Policy(), facts, inside).lines[0].layer == "no_reason"
    assert decide(Policy(), facts, outside).lines[0].layer == "extended"


def test_beyond_seven_days_the_extended_window_counts_and_after_thirty_none_does() -> None:
    extended = decide(Policy(), case(delivered_at=NOW - 20 * DAY), NOW)
    late = decide(Policy(), case(delivered_at=NOW - 40 * DAY), NOW)

    assert extended.lines[0].rule == "returns.extended_days"
    assert (late.is_allowed, late.code) == (False, "return.too_late")
    assert "ended on 2026-11-08" in late.sentence


def test_faults_of_quality_come_back_within_the_warranty_opened_excluded_or_late() -> None:
    policy = parse_policy({"overrides": [{"name": "underwear", "categories": ["tops"], "is_excluded": True}]})
    broken = line(reason="quality", is_opened=True)

    answer = decide(policy, case(broken, delivered_at=NOW - 200 * DAY), NOW)

    assert (answer.is_allowed, answer.lines[0].layer, answer.freight_payer, answer.charges) == (
        True, "quality", "shop", "share",
    )  # fmt: skip
    assert decide(policy, case(line()), NOW).code == "return.excluded"
    assert decide(policy, case(broken, delivered_at=NOW - 400 * DAY), NOW).code == "return.too_late"


def test_opened_goods_do_not_come_back_for_the_buyers_reasons_only() -> None:
    assert decide(Policy(), case(line(is_opened=True)), NOW).code == "return.opened"
    assert decide(Policy(), case(line(is_opened=True, reason="wrong_goods")), NOW).is_allowed
    assert decide(parse_policy({"needs_unopened": False}), case(line(is_opened=True)), NOW).is_allowed


def test_the_first_override_that_matches_and_names_a_field_decides_it() -> None:
    policy = parse_policy(
        {
            "overrides": [
                {"name": "gold", "tiers": ["gold"], "extended_days": 90},
                {"name": "live", "channels": ["douyin"], "no_reason_days": 15, "extended_days": 60},
            ]
        }
    )
    late = {"delivered_at": NOW - 50 * DAY}

    assert decide(policy, case(**late), NOW).code == "return.too_late"
    assert decide(policy, case(tier="gold", **late), NOW).lines[0].rule == "gold"
    assert decide(policy, case(channel="douyin", **late), NOW).lines[0].rule == "live"
    both = decide(policy, case(channel="douyin", tier="gold", delivered_at=NOW - 70 * DAY), NOW)
    assert both.lines[0].rule == "gold"


def test_goods_that_are_here_or_on_their_way_are_not_returned() -> None:
    assert decide(Policy(), case(status="paid", delivered_at=None), NOW).code == "return.not_shipped"
    assert decide(Policy(), case(status="cancelled", delivered_at=None), NOW).code == "return.not_shipped"
    under_way = {"status": "dispatched", "delivered_at": None}
    assert decide(Policy(), case(**under_way), NOW).code == "return.not_delivered"
    lost = line(reason="lost")
    assert decide(Policy(), case(lost, **under_way), NOW).code == "return.not_delivered"
    assert decide(Policy(), case(lost, kind="claim", **under_way), NOW).lines[0].layer == "undelivered"


def test_goods_that_left_long_ago_count_as_arrived_where_no_carrier_says() -> None:
    facts = case(status="dispatched", delivered_at=None, dispatched_at=NOW - 16 * DAY)

    assert decide(Policy(), facts, NOW).lines[0].layer == "no_reason"


def test_no_more_comes_back_than_was_bought_counting_what_came_back_before() -> None:
    many = decide(Policy(), case(line(qty=3)), NOW)
    again = decide(Policy(), case(line(taken=2)), NOW)

    assert (many.code, again.code) == ("return.too_many", "return.twice")
    assert many.sentence == "Line 1 (A): 2 were bought, so 2 can come back, not 3."
    assert again.sentence.startswith("Line 1 (A): 2 were bought; 2 came back or are asked for already, so 0")
    assert decide(Policy(), case(line(qty=0)), NOW).code == "return.units"
    assert decide(Policy(), case(line(reason="mood")), NOW).code == "return.reason"


def test_one_line_that_is_refused_refuses_the_whole_and_postage_is_told_by_line() -> None:
    second = line(line_no=2, sku="B", qty=9)
    assert decide(Policy(), case(line(), second), NOW).code == "return.too_many"

    mixed = decide(Policy(), case(line(), line(line_no=2, sku="B", reason="quality")), NOW)
    assert (mixed.charges, mixed.charges_for, mixed.freight_payer) == ("share", [2], "shop")


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing(20_000, "CNY", 1, False, "carrier"), ""),
        (Standing(20_001, "CNY", 1, False, "carrier"), "above the cap"),
        (Standing(100, "EUR", 1, False, "store"), "above the cap"),
        (Standing(100, "CNY", 4, False, "store"), "4 returns within 90 days"),
        (Standing(100, "CNY", 1, True, "store"), "blacklisted"),
        (Standing(100, "CNY", 1, False, ""), "not been scanned"),
    ],
)
def test_a_refund_is_instant_under_all_conditions_only(standing: Standing, words: str) -> None:
    said = refusal_of_instant(Policy(), standing)

    assert words in said
    assert bool(words) == bool(said)


def test_requests_are_approved_by_themselves_up_to_the_cap() -> None:
    assert refusal_of_auto_approval(Policy(), "return", 50_000, "CNY") == ""
    assert "above" in refusal_of_auto_approval(Policy(), "return", 50_001, "CNY")
    assert "claim" in refusal_of_auto_approval(Policy(), "claim", 0, "CNY")


def test_a_policy_survives_its_own_json() -> None:
    policy = parse_policy({"no_reason_days": 10, "overrides": [{"name": "x", "tiers": ["gold"], "extended_days": 60}]})

    assert parse_policy(policy.as_json()) == policy
    assert parse_policy({}) == Policy()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"no_reason_day": 7}, "no rule no_reason_day"),
        ({"no_reason_days": -1}, "no_reason_days must be"),
        ({"no_reason_days": True}, "no_reason_days must be"),
        ({"no_reason_days": 31}, "extended_days must not be shorter"),
        ({"overrides": [{"name": "x"}]}, "changes nothing"),
        ({"overrides": [{"extended_days": 3}]}, "needs a name"),
        ({"overrides": ["x"]}, "must be an object"),
        ({"return_freight": {"buyer": "nobody"}}, "values of buyer, shop"),
        ({"charges": {"sun": "none"}}, "given by buyer, shop, carrier"),
        ({"pickup_fee_minor": {"CNY": 1.5}}, "minor units"),
        ({"instant": {"on": ["moon"]}}, "instant.on"),
        ({"auto_approve": {"kinds": ["all"]}}, "auto_approve.kinds"),
        ({"gifts": "burn"}, "gifts must be"),
        ({"tender_groups": [["money"], ["money"]]}, "at most once"),
        ({"tender_methods": {"x": "gold"}}, "values of money"),
        ({"reasons": []}, "reasons must be"),
        ({"reasons": [{"code": "a", "name": "A"}, {"code": "a", "name": "B"}]}, "may occur once"),
        ({"reasons": [{"code": "a", "name": "A", "fault": "moon"}]}, "fault of reason a"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_in_a_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words.replace(".", r"\.")) as refused:
        parse_policy(given)

    assert refused.value.code == "returns.policy"
