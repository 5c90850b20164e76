"""The effective price: every discount that a normal buyer can get, to the cent, and why a part did not count."""

import pytest

from tongpan.core.errors import Refusal
from tongpan.pricing.patrol.effective import Component, Worth, effective_price
from tongpan.pricing.patrol.rules import Rules
from tongpan.pricing.patrol.wording import read_components, written

RULES = Rules()


def _priced(listed: int, text: str, rules: Rules = RULES, **more):
    return effective_price(listed, read_components(text, "CNY"), rules, **more)


def test_the_discount_of_the_plans_at_300_is_230():
    found = _priced(30_000, "满300减50；券20")

    assert found.unit_minor == 23_000
    assert [(part.kind, part.off_minor, part.reason) for part in found.parts] == [
        ("full_reduction", 5_000, "counted"),
        ("coupon", 2_000, "counted"),
    ]


def test_parts_come_off_in_the_published_order_whatever_order_they_were_written_in():
    # 15 % off 200.00 first, then 10, then 20
    assert _priced(20_000, "券20; 立减10; 8.5折").unit_minor == 14_000
    assert _priced(20_000, "85折; 立减10; 券20").unit_minor == 14_000


def test_a_threshold_that_one_unit_does_not_reach_is_spread_over_a_filled_cart_or_not_counted():
    spread = _priced(9_999, "满300减50")
    alone = _priced(9_999, "满300减50", Rules(basket="alone"))

    # 50.00 x 99.99 / 300.00 = 16.665, rounded down for the seller
    assert (spread.unit_minor, spread.parts[0].off_minor, spread.parts[0].reason) == (8_333, 1_666, "filled")
    assert (alone.unit_minor, alone.parts[0].reason) == (9_999, "threshold")


def test_a_repeated_reduction_counts_for_each_time_its_threshold_is_reached():
    assert _priced(65_000, "每满300减50").unit_minor == 55_000
    assert _priced(65_000, "满300减50").unit_minor == 60_000


def test_of_parts_that_exclude_each_other_the_best_one_counts():
    found = _priced(20_000, "券20 | 8折 | 立减30")

    assert found.unit_minor == 16_000
    assert [part.reason for part in found.parts] == ["excluded", "counted", "excluded"]


def test_what_only_members_or_new_buyers_get_is_no_price_of_a_normal_buyer():
    found = _priced(20_000, "券20（会员）；立减10；券50（新人）")
    to_members = _priced(20_000, "券20（会员）；立减10", Rules(normal=("everyone", "member")))

    assert found.unit_minor == 19_000
    assert [part.reason for part in found.parts] == ["audience", "counted", "audience"]
    assert to_members.unit_minor == 17_000


def test_a_gift_is_worth_its_cost_or_its_list_price_or_what_was_seen_or_nothing():
    gifts = {"MUG": Worth(cost_minor=1_200, list_minor=3_900)}

    assert _priced(20_000, "赠MUG*2", gifts=gifts).unit_minor == 17_600
    assert _priced(20_000, "赠MUG*2", Rules(gifts="list"), gifts=gifts).unit_minor == 12_200
    assert _priced(20_000, "赠MUG*2", Rules(gifts="ignore"), gifts=gifts).unit_minor == 20_000
    assert _priced(20_000, "赠BAG=15.5").unit_minor == 18_450
    unknown = _priced(20_000, "赠BAG")
    assert (unknown.unit_minor, unknown.parts[0].reason) == (20_000, "gift_unknown")


def test_the_price_of_a_unit_is_rounded_up_and_never_below_zero():
    assert _priced(1_000, "券10", units=3).unit_minor == 667
    assert _priced(1_000, "券50").unit_minor == 0
    assert _priced(1_000, "券50").parts[0].off_minor == 1_000


def test_discounts_are_read_in_chinese_and_in_english_and_written_back_readably():
    chinese = read_components("满300减50；满200减20券｜券30；8折；返现5；赠GIFT-1*2=30（限量）", "CNY")
    english = read_components(
        "50 off 300; coupon 20 from 200 | coupon 30; 20% off; cash back 5; gift GIFT-1*2=30 (limited)", "CNY"
    )

    assert chinese == english
    assert [one.kind for one in chinese] == ["full_reduction", "coupon", "coupon", "percent", "cash_back", "gift"]
    assert chinese[1].group == chinese[2].group == "choice 2"
    assert "；".join(written(one, "CNY") for one in chinese) == (
        "满300减50；满200减20券；券30；8折；返现5；赠GIFT-1*2=30（限量）"
    )


@pytest.mark.parametrize("text", ["buy now", "满300", "120% off", "0折吗", "券", "券0", "赠X*0"])
def test_a_discount_that_cannot_be_read_or_takes_nothing_off_is_refused(text: str):
    with pytest.raises(Refusal) as refused:
        read_components(text, "CNY")
    assert refused.value.code == "observation.discounts"
    assert text in refused.value.sentence


def test_a_component_may_be_given_without_words():
    coupon = Component("coupon", amount_minor=500, threshold_minor=10_000)

    assert effective_price(10_000, [coupon], RULES).unit_minor == 9_500
