"""A refund is the stored shares of the units that come back, exact in every order of partial returns."""

from __future__ import annotations

import random

import pytest
from benchmarks import refunds as carts
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.orders.aftersale.engine import (
    Given,
    GoodsLine,
    Share,
    Tender,
    Terms,
    add,
    cumulated,
    refund_of,
    share_out,
)

EVERYTHING = Terms("share", "return_or_charge", (("money",), ("points",)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_carts_returned_in_random_pieces_add_up_per_line_payer_charge_and_tender(seed: int) -> None:
    _, _, wrong = carts.check(seed, 10)

    assert wrong == 0


def test_a_cart_that_does_not_add_up_is_noticed() -> None:
    sale = carts.random_sale(random.Random(3))
    _, everything = carts.return_all(sale, random.Random(4))

    assert carts.adds_up(sale, everything)
    assert not carts.adds_up(sale, everything._replace(total_minor=everything.total_minor - 1))


def test_three_units_of_ten_carry_four_three_and_three() -> None:
    assert [cumulated(10, 3, k) for k in range(4)] == [0, 4, 7, 10]


def test_units_of_one_line_returned_one_by_one_take_the_cents_of_the_first_units_first() -> None:
    sale = share_out([GoodsLine(1, 3, 1000, [Share("platform", "C1", 100)])], [], [], None)

    got, given_back = [], Given()
    for _ in range(3):
        refund = refund_of(sale, given_back, {1: 1}, EVERYTHING)
        given_back = add(given_back, refund)
        got.append((refund.total_minor, refund.lines[0].shares[0].amount_minor))

    assert got == [(334, 34), (333, 33), (333, 33)]


def test_money_off_the_whole_order_is_not_given_back_with_one_line_alone() -> None:
    lines = [GoodsLine(1, 1, 3000), GoodsLine(2, 1, 1000)]
    sale = share_out(lines, [(9, "off", -1000)], [], None)

    assert refund_of(sale, Given(), {1: 1}, EVERYTHING).total_minor == 2250
    assert refund_of(sale, Given(), {2: 1}, EVERYTHING).total_minor == 750


def test_postage_is_kept_shared_or_given_back_with_the_last_unit() -> None:
    sale = share_out([GoodsLine(1, 2, 2000)], [(9, "postage", 301)], [], None)

    def totals(mode: str) -> list[int]:
        terms, given_back, found = Terms(mode), Given(), []  # type: ignore[arg-type]
        for _ in range(2):
            refund = refund_of(sale, given_back, {1: 1}, terms)
            given_back = add(given_back, refund)
            found.append(refund.total_minor)
        return found

    assert (totals("none"), totals("share"), totals("whole")) == ([1000, 1000], [1151, 1150], [1000, 1301])


def test_postage_goes_back_only_for_the_lines_whose_reason_says_so() -> None:
    sale = share_out([GoodsLine(1, 1, 1000), GoodsLine(2, 1, 1000)], [(9, "postage", 300)], [], None)

    refund = refund_of(sale, Given(), {1: 1, 2: 1}, Terms("share", charges_for=frozenset({2})))

    assert (refund.charges, refund.total_minor) == ([(9, 150)], 2150)


def test_a_gift_that_is_kept_is_charged_and_given_back_when_it_comes_later() -> None:
    sale = share_out([GoodsLine(1, 1, 5000), GoodsLine(2, 1, 0, (), 800)], [], [], None)

    first = refund_of(sale, Given(), {1: 1}, EVERYTHING)
    second = refund_of(sale, add(Given(), first), {2: 1}, EVERYTHING)

    assert (first.withheld_minor, first.total_minor) == (800, 4200)
    assert (second.withheld_minor, second.total_minor) == (-800, 800)


def test_a_gift_may_stay_while_some_of_the_goods_do_and_where_the_policy_lets_it() -> None:
    sale = share_out([GoodsLine(1, 2, 5000), GoodsLine(2, 1, 0, (), 800)], [], [], None)

    assert refund_of(sale, Given(), {1: 1}, EVERYTHING).total_minor == 2500
    assert refund_of(sale, Given(), {1: 2}, Terms(gifts="keep")).total_minor == 5000


def test_money_goes_back_before_points_and_no_tender_gets_more_than_it_gave() -> None:
    tenders = [Tender(1, "points", "points", 300), Tender(2, "card", "money", 500), Tender(3, "cash", "money", 200)]
    sale = share_out([GoodsLine(1, 2, 1000)], [], tenders, None)

    first = refund_of(sale, Given(), {1: 1}, EVERYTHING)
    second = refund_of(sale, add(Given(), first), {1: 1}, EVERYTHING)

    assert [(t.seq, amount) for t, amount in first.tenders] == [(2, 357), (3, 143)]
    assert [(t.seq, amount) for t, amount in second.tenders] == [(2, 143), (3, 57), (1, 300)]


def test_a_kind_of_tender_that_no_group_names_comes_last() -> None:
    tenders = [Tender(1, "gift", "gift_card", 600), Tender(2, "card", "money", 400)]
    sale = share_out([GoodsLine(1, 1, 1000)], [], tenders, None)

    assert [(t.seq, n) for t, n in refund_of(sale, Given(), {1: 1}, EVERYTHING).tenders] == [(2, 400), (1, 600)]


def test_what_the_buyer_paid_counts_not_what_the_order_says() -> None:
    sale = share_out([GoodsLine(1, 1, 3000), GoodsLine(2, 1, 1000)], [], [], 2000)

    assert [refund_of(sale, Given(), {line: 1}, EVERYTHING).total_minor for line in (1, 2)] == [1500, 500]


def test_what_the_channel_gave_back_is_not_given_back_again() -> None:
    sale = share_out([GoodsLine(1, 2, 2000)], [], [], None)
    by_channel = Given({1: 1}, {1: 1000}, total_minor=1900)

    refund = refund_of(sale, by_channel, {1: 1}, EVERYTHING)

    assert (refund.cut_minor, refund.total_minor, [n for _, n in refund.tenders]) == (900, 100, [100])


def test_goodwill_for_a_line_is_part_of_what_its_units_give_back_later() -> None:
    sale = share_out([GoodsLine(1, 2, 2000)], [], [], None)
    after_goodwill = Given({}, {1: 300}, total_minor=300)

    first = refund_of(sale, after_goodwill, {1: 1}, EVERYTHING)
    second = refund_of(sale, add(after_goodwill, first), {1: 1}, EVERYTHING)

    assert (first.total_minor, second.total_minor) == (700, 1000)


def test_the_way_back_is_taken_off_but_never_below_nothing() -> None:
    sale = share_out([GoodsLine(1, 1, 500)], [], [], None)

    refund = refund_of(sale, Given(), {1: 1}, Terms(deduct_minor=1000))

    assert (refund.deducted_minor, refund.total_minor, refund.tenders) == (500, 0, [])


@pytest.mark.parametrize("units", [{1: 3}, {7: 1}, {1: -1}])
def test_units_that_are_not_there_are_refused(units: dict[int, int]) -> None:
    sale = share_out([GoodsLine(1, 2, 2000)], [], [], None)

    with pytest.raises(ValueError, match="Line"):
        refund_of(sale, Given(), units, EVERYTHING)
