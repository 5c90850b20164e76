"""Which list's price counts, and the reason that is given for each of the others."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tongpan.pricing.engine import Band, Floor, ListRef, Offer, PriceBook, deviation_pct

AT = datetime(2026, 3, 1, tzinfo=UTC)
GUIDE = ListRef("guide", "guide", 10, "CNY")
TMALL = ListRef("tmall", "channel", 20, "CNY", channel="tmall")


def book(*offers, **more):
    return PriceBook(AT, offers={"A": offers}, currencies={"tmall": "CNY", "jd": "CNY", "us": "USD"}, **more)


def found(price):
    return price and (price.amount_minor, price.list_code, price.public_minor)


def test_a_channel_without_a_price_of_its_own_asks_the_guide_price():
    prices = book(Offer(GUIDE, 1, 10000), Offer(TMALL, 1, 9800))

    assert found(prices.price("A", "tmall")) == (9800, "tmall", 9800)
    assert found(prices.price("A", "jd")) == (10000, "guide", 10000)
    assert prices.price("A", "us") is None
    assert prices.price("B", "tmall") is None


def test_the_list_price_is_the_highest_priority_then_the_narrowest_then_the_first_by_code():
    season = ListRef("winter", "seasonal", 50, "CNY")
    here = ListRef("z-winter", "seasonal", 50, "CNY", channel="tmall")
    prices = book(Offer(TMALL, 1, 9800), Offer(season, 1, 9900), Offer(here, 1, 9950))

    assert found(prices.price("A", "tmall")) == (9950, "z-winter", 9950)
    assert found(prices.price("A", "jd")) == (9900, "winter", 9900)


@pytest.mark.parametrize(("qty", "amount"), [(1, 9800), (9, 9800), (10, 9500), (99, 9500), (100, 9000)])
def test_the_step_with_the_most_units_that_are_reached_counts(qty, amount):
    prices = book(Offer(TMALL, 100, 9000), Offer(TMALL, 1, 9800), Offer(TMALL, 10, 9500))

    assert prices.price("A", "tmall", qty=qty).amount_minor == amount


def test_exclusive_prices_count_in_their_scope_only_and_never_make_it_dearer():
    member = ListRef("member", "member", 70, "CNY")
    gold = ListRef("gold", "tier", 70, "CNY", tier="gold")
    live = ListRef("live-0301", "live", 90, "CNY", channel="tmall")
    prices = book(Offer(TMALL, 1, 9800), Offer(member, 1, 9700), Offer(gold, 1, 9600), Offer(live, 1, 9900))

    assert found(prices.price("A", "tmall")) == (9800, "tmall", 9800)
    assert found(prices.price("A", "tmall", tier="silver")) == (9700, "member", 9800)
    assert found(prices.price("A", "tmall", tier="gold")) == (9600, "gold", 9800)
    # A member pays the same price on every channel.
    assert found(prices.price("A", "jd", tier="silver")) == (9700, "member", None)
    assert found(prices.price("A", "tmall", scopes=frozenset({"live"}))) == (9800, "tmall", 9800)


def test_every_offer_says_why_it_counts_or_not():
    offers = [
        Offer(GUIDE, 1, 10000),
        Offer(TMALL, 1, 9800),
        Offer(TMALL, 5, 9700),
        Offer(TMALL, 50, 9000),
        Offer(ListRef("jd", "channel", 20, "CNY", channel="jd"), 1, 9000),
        Offer(ListRef("us", "guide", 10, "USD"), 1, 1500),
        Offer(ListRef("xj", "region", 40, "CNY", region="新疆维吾尔自治区"), 1, 9900),
        Offer(ListRef("gold", "tier", 70, "CNY", tier="gold"), 1, 9000),
        Offer(ListRef("member", "member", 70, "CNY"), 1, 9600),
        Offer(ListRef("group", "community", 80, "CNY"), 1, 9650),
        Offer(ListRef("live", "live", 90, "CNY"), 1, 9000),
    ]

    shown = book(*offers).explain("A", "tmall", qty=6, scopes=frozenset({"member", "community"}))

    assert [(one.offer.list.code, one.offer.min_qty, one.reason) for one in shown] == [
        ("member", 1, "chosen"),
        ("live", 1, "not_live"),
        ("group", 1, "dearer"),
        ("gold", 1, "other_tier"),
        ("xj", 1, "other_region"),
        ("jd", 1, "other_channel"),
        ("tmall", 1, "more_units"),
        ("tmall", 5, "lower_priority"),
        ("tmall", 50, "too_few"),
        ("guide", 1, "lower_priority"),
        ("us", 1, "other_currency"),
    ]


def test_floors_of_a_region_stand_in_place_of_those_of_everywhere():
    prices = book(floors={("A", "", "CNY"): Floor(9000, 8000), ("A", "西藏自治区", "CNY"): Floor(9500, 9500)})

    assert (prices.floor("A"), prices.least_net("A")) == (9000, 8000)
    assert (prices.floor("A", "西藏自治区"), prices.least_net("A", "浙江省")) == (9500, 8000)
    assert prices.floor("B") is None


def test_the_band_holds_both_of_its_ends_and_never_a_fen_more():
    own = {"jd": Band(Decimal("2.5"), Decimal(0)), "store": Band(Decimal(5), Decimal(5), is_identical=True)}
    prices = book(guides={("A", "CNY"): 1999}, bands=own)

    assert prices.band("A", "tmall") == (1900, 2098)
    assert prices.band("A", "jd") == (1950, 1999)
    assert prices.band("A", "store") == (1999, 1999)
    assert prices.band("B", "tmall") is None
    assert deviation_pct(1899, 1999) == Decimal("-5.00")
    assert deviation_pct(2000, 1999) == Decimal("0.05")
