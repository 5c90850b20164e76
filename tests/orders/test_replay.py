"""Taking the same documents in again changes nothing at all."""

import pytest
from tests.support.company import NOW, charge, goods, order, paid, put, return_of, shipped
from tests.support.database import contents, row_counts
from tests.support.intake import states, take, take_back

from tongpan.fulfillment.actions import route
from tongpan.orders.actions import accept_corrections
from tongpan.orders.engine import BuyerDoc, CorrectionDoc, PaymentDoc
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
BUYER = BuyerDoc("buyer", "tm", "u1", "张三", "浙江省", "杭州市")


def file():
    return [
        order("placed", goods("A"), goods("B", 3, 90), buyer=BUYER),
        paid("paid", goods("A", 2), buyer=BUYER, payments=[PaymentDoc(1, "alipay", 1000, NOW)]),
        paid("short", goods("A", 500)),
        shipped("shipped", goods("A"), charge("POST", 500)),
        order("cancelled", cancelled_at=NOW),
        paid("versioned", version=NOW),
    ]


def test_a_replayed_file_changes_nothing():
    put("sh", A=100)
    first = take(*file())
    before = contents()

    again = take(*file())

    assert states(first) == ["accepted"] * 6
    assert states(again) == ["unchanged"] * 6
    assert [o.document_id for o in again] == [o.document_id for o in first]
    assert contents() == before


def test_a_replayed_file_changes_nothing_after_routing():
    put("sh", A=100)
    take(*file())
    route(Order.objects.values_list("id", flat=True), actor="routing", now=NOW)
    before = contents()

    assert states(take(*file())) == ["unchanged"] * 6

    assert contents() == before


def test_a_file_with_two_copies_of_one_order_changes_nothing_when_it_is_replayed():
    # given two copies that differ, and nothing that says which is newer
    copies = [paid("1", channel_status="等待发货"), paid("1", channel_status="配货中", refunded_minor=3)]
    assert states(take(*copies)) == ["accepted", "updated"]
    before = contents()

    again = take(*copies)

    assert states(again) == ["stale", "unchanged"]
    assert contents() == before
    assert Order.objects.values_list("channel_status", "refunded_minor").get() == ("配货中", 3)


def test_a_replay_in_another_batch_size_and_order_changes_nothing():
    take(*file())
    before = contents()

    for doc in reversed(file()):
        assert states(take(doc)) == ["unchanged"]

    assert contents() == before


def test_equal_documents_are_recognised_however_they_are_written():
    # given the same order from a file and from the API: other zones, other containers, other trailing zeros
    from datetime import timedelta, timezone
    from decimal import Decimal

    shanghai = timezone(timedelta(hours=8))
    payment = PaymentDoc(1, "alipay", 1000, NOW)
    take(paid("1", goods("A", unit_price=Decimal("12.5")), payments=(payment,), placed_at=NOW, version=NOW))
    before = contents()

    outcomes = take(
        paid(
            "1",
            lines=[goods("A", unit_price=Decimal("12.50"))],
            payments=[PaymentDoc(1, "alipay", 1000, NOW.astimezone(shanghai))],
            placed_at=NOW.astimezone(shanghai),
            version=NOW.astimezone(shanghai),
        )
    )

    assert states(outcomes) == ["unchanged"]
    assert contents() == before


def test_replayed_returns_and_corrections_change_nothing():
    put("sh", A=5)
    take(shipped("1"))
    returns = [return_of("R1", order_external_id="1"), return_of("R2", goods("B", 2, -10), buyer=BUYER)]
    debts = [CorrectionDoc("tm", "C1", NOW, "CNY", [charge("BAD DEBT", -500), charge("BAD DEBT", -3)])]
    first = take_back(*returns), accept_corrections(debts, actor="test", now=NOW)
    before = contents()

    again = take_back(*returns), accept_corrections(debts, actor="test", now=NOW)

    assert [states(outcomes) for outcomes in first] == [["accepted"] * 2, ["accepted"]]
    assert [states(outcomes) for outcomes in again] == [["unchanged"] * 2, ["unchanged"]]
    assert contents() == before


def test_an_empty_batch_writes_nothing():
    before = row_counts()

    assert (take(), take_back(), accept_corrections([], actor="test", now=NOW)) == ([], [], [])

    assert row_counts() == before
