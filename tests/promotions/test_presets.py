"""The plans' own offers: what they say stacks does, and the known conflict does not (PRM-03, PRM-07)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tongpan.promotions.engine.book import compile_book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.presets import COMMUNITY_COUPON, LIVE_COUPON, known_offers

DOCUMENT = known_offers(
    shop="tmall",
    live="douyin",
    community="mini",
    stores="store",
    online=("tmall", "douyin", "mini"),
    starts=date(2026, 6, 1),
    ends=date(2026, 6, 18),
)
BOOK = compile_book(read_rulebook(DOCUMENT, "1"))
AT = datetime(2026, 6, 15, 4, tzinfo=UTC)


def total(*coupons: str, channel: str = "tmall", at: datetime = AT, member: bool = False) -> int:
    cart = Cart((Line(1, "A", 1, 40_000),), channel, coupons=tuple(Coupon(f"C-{rule}", rule) for rule in coupons))
    return evaluate(BOOK, cart, Customer("1", is_member=member), at=at).total_minor


def test_the_live_coupon_does_not_come_on_top_of_300_minus_50():
    assert total() == 35_000
    assert total(LIVE_COUPON) == 35_000
    assert total(LIVE_COUPON, channel="douyin") == 35_000


def test_the_community_coupon_comes_on_top_of_300_minus_50_as_planned():
    assert total(COMMUNITY_COUPON) == 33_000
    assert total(COMMUNITY_COUPON, member=True) == 31_000


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 6, 18, 15, 59, 59, 999000, tzinfo=UTC), 35_000),
        (datetime(2026, 6, 18, 16, tzinfo=UTC), 40_000),
    ],
)
def test_the_last_day_ends_at_midnight_in_shanghai(at, expected):
    assert total(at=at) == expected
