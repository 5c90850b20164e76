"""Who bought: one buyer is one customer wherever the number is the same; the anonymous stay nobody."""

import pytest
from tests.support.company import DAY, NOW, order, return_of
from tests.support.database import row_counts
from tests.support.intake import states, take, take_back

from tongpan.core.bulk import fetch_all
from tongpan.customers.models import Customer
from tongpan.orders.engine import BuyerDoc
from tongpan.orders.models import Order, Return

pytestmark = pytest.mark.usefixtures("company")


def customers():
    return dict(fetch_all("SELECT external_id, customer_id FROM orders_order"))


def test_orders_without_a_buyer_have_no_customer():
    take(order("1"), order("2"))

    assert customers() == {"1": None, "2": None}
    assert not {"customers_customer", "customers_identifier"} & set(row_counts())


@pytest.mark.parametrize("nobody", ["", " ", "\u3000"])
def test_buyers_without_a_number_are_not_one_and_the_same(nobody):
    buyer = BuyerDoc("buyer", "tm", nobody, "匿名")

    assert states(take(order("1", buyer=buyer), order("2", buyer=buyer))) == ["accepted"] * 2
    assert states(take_back(return_of("R", buyer=buyer))) == ["accepted"]

    assert customers() == {"1": None, "2": None}
    assert Return.objects.get().customer is None
    assert not Customer.objects.exists()


def test_one_buyer_over_two_shops_is_one_customer():
    buyer = BuyerDoc("member", "company", "M-1", "张三")

    take(order("1", buyer=buyer), order("2", shop_code="tm2", buyer=buyer), order("3", shop_code="mall", buyer=buyer))
    take_back(return_of("R", buyer=buyer))

    assert len(set(customers().values())) == 1
    assert Return.objects.get().customer_id == customers()["1"]
    assert Customer.objects.count() == 1


def test_the_same_number_in_two_shops_may_be_two_people():
    take(
        order("1", buyer=BuyerDoc("buyer", "tm", "u1")),
        order("2", shop_code="mall", buyer=BuyerDoc("buyer", "mall", "u1")),
    )

    assert len(set(customers().values())) == 2


def test_a_customer_was_first_seen_with_the_earliest_order():
    buyer = BuyerDoc("buyer", "tm", "u1")
    take(order("2", buyer=buyer, placed_at=NOW - DAY))
    take(order("3", buyer=buyer, placed_at=NOW), order("1", buyer=buyer, placed_at=NOW - 9 * DAY))

    assert Customer.objects.get().first_seen_at == NOW - 9 * DAY


def test_a_buyer_who_becomes_known_is_filled_in_and_stays():
    take(order("1"))
    take(order("1", buyer=BuyerDoc("buyer", "tm", "u1"), version=NOW - DAY))
    known = customers()["1"]
    take(order("1", buyer=BuyerDoc("buyer", "tm", "u2"), version=NOW))

    assert known is not None
    assert customers() == {"1": known}


def test_refused_and_stale_copies_make_no_customers():
    take(order("1", version=NOW))
    take(
        order("1", version=NOW - DAY, buyer=BuyerDoc("buyer", "tm", "u1")),
        order("2", currency="USD", buyer=BuyerDoc("buyer", "tm", "u2")),
    )

    assert not Customer.objects.exists()
    assert Order.objects.get().customer is None
