"""How an order of each platform reads: money to the fen, who bears a discount, masked text left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from tests.support.emulators.base import Sold

from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.registry import PLATFORMS
from tongpan.orders.engine import DiscountDoc, OrderDoc, status_of

PLACED = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
CHANGED = PLACED + timedelta(minutes=5)
ACCESS = Access("tm", "https://shop.example")
ALL = sorted(PLATFORMS)
SHARES = {
    "taobao": [DiscountDoc("unknown", 300, 0, "mjs-1", "满减")],
    "jd": [DiscountDoc("shop", 300)],
    "douyin": [DiscountDoc("shop", 200, 0), DiscountDoc("platform", 60, 0), DiscountDoc("influencer", 40, 0)],
    "pinduoduo": [DiscountDoc("platform", 100), DiscountDoc("shop", 200)],
    "youzan": [DiscountDoc("unknown", 300, 0)],
    "wechat": [DiscountDoc("shop", 200), DiscountDoc("influencer", 40), DiscountDoc("platform", 60)],
    "shopify": [DiscountDoc("shop", 300, 0)],
    "woocommerce": [DiscountDoc("shop", 300, 0, "spring")],
}
MASKED = [name for name in ALL if name not in ("shopify", "woocommerce")]


def raw_of(name: str, **facts: Any) -> dict[str, Any]:
    make: Callable[[Sold], dict[str, Any]] = import_module(f"tests.support.emulators.{name}").raw
    return make(Sold("1000001", PLACED, CHANGED, **facts))


def read(name: str, **facts: Any) -> OrderDoc:
    return PLATFORMS[name].document(raw_of(name, **facts), ACCESS)


@pytest.mark.parametrize("name", ALL)
def test_money_is_whole_minor_units_and_adds_up(name: str) -> None:
    doc = read(name)

    assert [(line.kind, line.code, line.qty, line.amount_minor) for line in doc.lines] == [
        ("goods", "A", 2, 3680),
        ("charge", "SHIPPING", 1, 600),
    ]
    assert (doc.currency, doc.paid_minor) == ("CNY", 4280)
    assert [payment.amount_minor for payment in doc.payments] == [4280]


@pytest.mark.parametrize("name", ALL)
def test_who_bears_a_discount_is_kept_where_the_platform_says_it(name: str) -> None:
    assert list(read(name).discounts) == SHARES[name]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("state", "status"),
    [("unpaid", "placed"), ("paid", "paid"), ("dispatched", "dispatched"), ("cancelled", "cancelled")],
)
def test_states_become_facts(name: str, state: str, status: str) -> None:
    doc = read(name, state=state)

    # WooCommerce has one word for sent and completed.
    expected = "completed" if (name, state) == ("woocommerce", "dispatched") else status
    assert status_of(doc) == expected
    assert doc.is_status_known
    assert (doc.paid_at is not None) == (state in ("paid", "dispatched"))
    assert doc.placed_at == PLACED
    assert doc.version == CHANGED


@pytest.mark.parametrize("name", ALL)
def test_a_state_that_nobody_knows_claims_nothing(name: str) -> None:
    doc = read(name, words="99" if name in ("douyin", "wechat", "pinduoduo") else "A_NEW_STATE")

    assert doc.is_status_known is False
    assert status_of(doc) == "placed"
    assert doc.paid_at is None


@pytest.mark.parametrize("name", MASKED)
def test_masked_and_enciphered_text_is_left_out(name: str) -> None:
    to = read(name).ship_to

    assert (to.recipient, to.phone, to.address) == ("", "", "")
    assert to.city == "杭州市"


@pytest.mark.parametrize("name", [name for name in ALL if name != "pinduoduo"])
def test_a_buyer_is_known_within_the_shop_by_the_platforms_own_id(name: str) -> None:
    buyer = read(name).buyer

    assert buyer is not None
    assert buyer.scope == "tm"
    assert buyer.value


@pytest.mark.parametrize("name", ALL)
def test_the_payload_is_kept_and_the_same_answer_is_the_same_payload(name: str) -> None:
    assert read(name).raw == read(name).raw
    assert b"1000001" in read(name).raw
    assert read(name, qty=3).raw != read(name).raw


@pytest.mark.parametrize("name", ALL)
def test_shares_that_do_not_add_up_are_spread_to_the_last_fen(name: str) -> None:
    doc = read(name, qty=3, price_minor=3333, off_minor=101, postage_minor=0)

    assert doc.goods_minor + doc.charges_minor == 3 * 3333 - 101


@pytest.mark.parametrize("name", ALL)
def test_an_order_without_what_every_order_has_is_an_error_and_no_guess(name: str) -> None:
    for missing in list(raw_of(name)):
        raw = {key: value for key, value in raw_of(name).items() if key != missing}
        try:
            doc = PLATFORMS[name].document(raw, ACCESS)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        assert doc.external_id == "1000001"
        assert doc.goods_minor + doc.charges_minor in (4280, 3680), missing
