"""Batch is the only path: the number of statements is the same for one document and for two hundred."""

import pytest
from tests.support.company import NOW, charge, goods, order, order_ids, paid, put, return_of, shipped
from tests.support.database import shape, statements
from tests.support.following import route_all
from tests.support.intake import take, take_back

from tongpan.fulfillment.actions import route
from tongpan.orders.engine import BuyerDoc, DeliveryDoc, DiscountDoc, InvoiceDoc, PaymentDoc, ShipTo

pytestmark = pytest.mark.usefixtures("company")
SIZES = (1, 10, 200)


def five_lines(prefix, number, make=paid, **more):
    lines = [goods(f"S{i}", 1, 100) for i in range(4)]
    facts = {
        "buyer": BuyerDoc("buyer", "tm", f"{prefix}-{number}", "张三"),
        "ship_to": ShipTo("浙江省", "杭州市", 30.0, 120.0, "张三", "139", "x"),
        "payments": [PaymentDoc(1, "alipay", 450, NOW)],
    }
    return make(f"{prefix}-{number}", *lines, charge("POST", 50), **(facts | more))


def counted(work):
    with statements() as sent:
        work()
    return [sql for sql in sent if "SAVEPOINT" not in sql]


def assert_constant(found, at_most):
    numbers = {size: len(sent) for size, sent in found.items()}
    listing = "\n".join(shape(sql) for sql in next(iter(found.values())))
    print(f"{numbers}\n{listing}")  # noqa: T201 - shown by pytest when it fails, and with -s
    assert len(set(numbers.values())) == 1, numbers
    assert max(numbers.values()) <= at_most, listing


def in_all_sizes(work):
    """The statements of ``work(size)`` for each size."""
    return {size: counted(lambda size=size: work(size)) for size in SIZES}


def batch(prefix, size, make=paid, **more):
    return [five_lines(f"{prefix}{size}", number, make, **more) for number in range(size)]


def plenty():
    put("sh", S0=10**6, S1=10**6, S2=10**6, S3=10**6)


def test_taking_new_orders_in():
    plenty()
    take(*batch("warm", 1))

    assert_constant(in_all_sizes(lambda size: take(*batch("n", size))), 11)


EVERYTHING = {
    "discounts": [DiscountDoc("platform", 7), DiscountDoc("shop", 3, line=1)],
    "invoice": InvoiceDoc("e", "t", "n", "c"),
    "tags": ["vip"],
    "delivery": DeliveryDoc("instant", gift_card="x"),
    "raw": b"{}",
}


@pytest.mark.parametrize("more", [{}, EVERYTHING], ids=["plain", "with everything"])
def test_a_new_paid_order_takes_eleven_statements_and_so_do_five_hundred(more):
    plenty()
    take(*batch("warm", 1))

    sent = {size: counted(lambda size=size: take(*batch("e", size, **more))) for size in (1, 500)}

    assert {size: len(found) for size, found in sent.items()} == {1: 11, 500: 11}, "\n".join(map(shape, sent[1]))
    assert len([sql for sql in sent[1] if "COPY" in sql]) == 2


def test_orders_that_the_pool_cannot_serve_take_as_many():
    put("sh", S0=1)
    take(*batch("warm", 1))

    sent = {size: counted(lambda size=size: take(*batch("e", size))) for size in (1, 500)}

    # the reservation is not booked, and there are holds instead
    assert {size: len(found) for size, found in sent.items()} == {1: 11, 500: 11}, "\n".join(map(shape, sent[1]))


def test_taking_the_same_orders_in_again():
    for size in SIZES:
        take(*batch("r", size))

    assert_constant(in_all_sizes(lambda size: take(*batch("r", size))), 2)


def test_moving_orders_on():
    for size in SIZES:
        take(*batch("u", size, order))

    assert_constant(in_all_sizes(lambda size: take(*batch("u", size, shipped))), 11)


def test_taking_returns_in():
    def returns(size):
        lines = goods("A", 1, -5), charge("POST", -1)
        return [return_of(f"{size}-{number}", *lines, order_external_id="x") for number in range(size)]

    take_back(return_of("warm"))

    assert_constant(in_all_sizes(lambda size: take_back(*returns(size))), 17)


@pytest.mark.parametrize("make", [paid, shipped])
def test_routing(make):
    plenty()
    put("hz", S0=10**6)
    ids = {}
    for size in SIZES:
        ids[size] = [outcome.document_id for outcome in take(*batch("o", size, make))]

    assert_constant(in_all_sizes(lambda size: route(ids[size], actor="routing", now=NOW)), 29)
    assert route_all() == {}


def test_orders_that_wait():
    for size in SIZES:
        take(*batch("w", size))
    route_all()
    ids = {size: order_ids(f"w{size}-{number}" for number in range(size)) for size in SIZES}

    assert_constant(in_all_sizes(lambda size: route(ids[size], actor="routing", now=NOW)), 16)
