"""Which of two copies of an order is newer: a pure decision."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.company import DAY, NOW, goods, order, paid, shipped

from tongpan.orders.engine import StoredOrder, content_of, digest, further, furthest, precedence, status_of

A, B, C = goods("A", 1, 100), goods("B", 2, 200), goods("C", 3, 300)


def stored(doc, **more):
    return StoredOrder(1, doc.version, digest(doc), more.pop("status", status_of(doc)), content_of(doc.lines), **more)


@pytest.mark.parametrize(
    "_case, copy, ours, expected",
    [
        ("the same", paid("1", A), paid("1", A), "unchanged"),
        ("later version", paid("1", A, version=NOW), paid("1", A, version=NOW - DAY), "newer"),
        ("earlier version", shipped("1", A, B, version=NOW - DAY), paid("1", A, version=NOW), "stale"),
        ("same version, other words", paid("1", A, B, version=NOW), paid("1", A, version=NOW), "stale"),
        ("only the copy has a version", paid("1", A, version=NOW), shipped("1", A), "stale"),
        ("further", shipped("1", A), paid("1", A), "newer"),
        ("not so far", paid("1", A), shipped("1", A), "stale"),
        ("same status, other facts", paid("1", A, refunded_minor=1), paid("1", A), "newer"),
        ("some of the lines", paid("1", A), paid("1", A, B), "stale"),
        ("some of the lines, not so far", order("1", A), paid("1", A, B), "stale"),
        ("some of the lines, further", shipped("1", A), paid("1", A, B), "conflict"),
        ("more lines", paid("1", A, B, C), paid("1", A, C), "superset"),
        ("more lines, further", shipped("1", A, B), paid("1", B), "superset"),
        ("more lines, not so far", order("1", A, B), paid("1", A), "conflict"),
        ("other lines", paid("1", C), paid("1", A), "conflict"),
        ("the same line twice is more than once", paid("1", A, A), paid("1", A), "superset"),
        ("lines in another order, further", shipped("1", B, A), paid("1", A, B), "newer"),
        ("cancelled before it left", order("1", A, cancelled_at=NOW), paid("1", A), "newer"),
        ("paid copy of a cancelled order", paid("1", A), order("1", A, cancelled_at=NOW), "stale"),
        ("left after all", shipped("1", A, cancelled_at=NOW), paid("1", A, cancelled_at=NOW), "newer"),
        ("cancelled after it left", paid("1", A, cancelled_at=NOW), shipped("1", A), "newer"),
    ],
)
def test_precedence(_case, copy, ours, expected):
    assert precedence(copy, digest(copy), stored(ours)) == expected


def test_a_copy_that_was_stored_before_is_stale_whatever_it_says():
    old, new = paid("1", A), paid("1", A, refunded_minor=1)

    found = precedence(old, digest(old), stored(new, superseded=digest(old)))

    assert found == "stale"


def test_digests_tell_documents_apart_and_not_spellings():
    doc = paid("1", A, B)

    assert digest(doc) == digest(paid("1", lines=[A, B]))
    for one, same in (("0", "0.00"), ("12.5", "12.500"), ("1E+2", "100")):
        priced = [paid("1", goods("A", unit_price=Decimal(price))) for price in (one, same)]
        assert digest(priced[0]) == digest(priced[1])
    assert digest(doc) != digest(paid("1", B, A))
    assert digest(doc) != digest(paid("1", A, B, placed_at=NOW - DAY + timedelta(microseconds=1)))
    assert len({digest(doc), digest(paid("2", A, B)), digest(order("1", A, B)), digest(paid("1", A))}) == 4


STATUSES = ["placed", "paid", "cancelled", "dispatched", "delivered", "completed"]


@pytest.mark.parametrize("stored_status", STATUSES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_never_goes_back(status, stored_status):
    found = furthest(status, stored_status)

    assert found in (status, stored_status)
    assert STATUSES.index(found) == max(STATUSES.index(status), STATUSES.index(stored_status))
    assert furthest(stored_status, status) == found
    assert (further(status, stored_status) < 0) == (
        STATUSES.index(status) < STATUSES.index(stored_status)
        # that goods which left were cancelled is news, though no progress
        and not (status == "cancelled" and STATUSES.index(stored_status) > STATUSES.index("cancelled"))
    )


@pytest.mark.parametrize(
    "facts, status",
    [
        ({}, "placed"),
        ({"paid_at": NOW}, "paid"),
        ({"paid_at": NOW, "cancelled_at": NOW}, "cancelled"),
        ({"cancelled_at": NOW}, "cancelled"),
        ({"is_shipped": True}, "dispatched"),
        ({"dispatched_at": NOW, "cancelled_at": NOW}, "dispatched"),
        ({"delivered_at": NOW}, "delivered"),
        ({"completed_at": NOW, "delivered_at": NOW}, "completed"),
        ({"channel_status": "交易成功"}, "placed"),
    ],
)
def test_the_status_is_what_the_facts_prove(facts, status):
    assert status_of(order("1", A, **facts)) == status
