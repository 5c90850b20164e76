"""The conflicts that the plans name, as the engine prices them."""

from tests.support.promotions import book_of, cart_of, line, nets, price, rule, why

SHOP = rule(
    "taobao-300-50",
    "stepped",
    {"steps": [{"from_minor": 30000, "amount_minor": 5000}]},
    group="shop",
    conditions={"channels": ["taobao"]},
)
LIVE = rule(
    "douyin-live-50",
    "amount",
    {"amount_minor": 5000},
    group="live",
    needs_coupon=True,
    conditions={"channels": ["douyin"]},
)
COMMUNITY = rule(
    "community-20",
    "amount",
    {"amount_minor": 2000},
    group="community",
    needs_coupon=True,
    conditions={"channels": ["taobao"]},
)


def test_a_live_coupon_of_douyin_is_worth_nothing_in_the_shop_on_taobao():
    book = book_of(SHOP, LIVE)

    result = price(book, cart_of(line(1, "A", 30000), channel="taobao", coupons={"c": "douyin-live-50"}))

    assert result.total_minor == 25000
    assert why(result, "douyin-live-50") == ("channel", {"channels": ["douyin"], "is": "taobao"})
    assert result.coupons_used == ()


def test_the_same_goods_cost_the_same_by_the_live_coupon_on_douyin_and_by_300_minus_50_on_taobao():
    book = book_of(SHOP, LIVE)

    shop = price(book, cart_of(line(1, "A", 30000), channel="taobao"))
    live = price(book, cart_of(line(1, "A", 30000), channel="douyin", coupons={"c": "douyin-live-50"}))
    # Below 300 they part: the conflict that the plans warn of.
    small_shop = price(book, cart_of(line(1, "A", 20000), channel="taobao"))
    small_live = price(book, cart_of(line(1, "A", 20000), channel="douyin", coupons={"c": "douyin-live-50"}))

    assert (shop.total_minor, live.total_minor) == (25000, 25000)
    assert (small_shop.total_minor, small_live.total_minor) == (20000, 15000)
    assert why(small_shop, "taobao-300-50") == ("below_amount", {"needs_minor": 10000})


def test_where_both_are_open_the_live_coupon_and_300_minus_50_do_not_stack_unless_they_are_declared():
    both = [one | {"conditions": {"channels": ["taobao"]}} for one in (SHOP, LIVE)]
    cart = cart_of(line(1, "A", 30000), channel="taobao", coupons={"c": "douyin-live-50"})

    apart = price(book_of(*both), cart)
    together = price(book_of(*both, stack=(("live", "shop"),)), cart)

    assert apart.total_minor == 25000
    assert why(apart, "douyin-live-50") == ("excluded", {"rules": ["taobao-300-50"]})
    assert together.total_minor == 20000


def test_300_minus_50_and_the_community_coupon_of_20_stack_when_they_are_declared():
    cart = cart_of(line(1, "A", 20000), line(2, "B", 10000), channel="taobao", coupons={"c": "community-20"})

    apart = price(book_of(SHOP, COMMUNITY), cart)
    together = price(book_of(SHOP, COMMUNITY, stack=(("shop", "community"),)), cart)

    assert apart.total_minor == 25000
    assert together.total_minor == 23000
    assert nets(together) == [15334, 7666]
    assert together.coupons_used == ("c",)
