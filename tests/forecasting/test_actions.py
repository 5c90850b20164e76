"""Taking up a proposal makes draft transfers, once."""

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, levels, order_ids, put, shipped
from tests.support.intake import take

from tongpan.forecasting.actions import take_up
from tongpan.forecasting.queries import allocation
from tongpan.fulfillment.actions import route
from tongpan.inventory.models import Transfer, TransferLine

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def proposals():
    put("sh", A=100, B=100)
    take(shipped("1", goods("A", 28), goods("B", 14), dispatched_at=NOW - DAY))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)
    return allocation(now=NOW)


def drafts():
    return sorted(
        TransferLine.objects.values_list("transfer__from_node__code", "transfer__to_node__code", "sku__code", "qty")
    )


def test_each_pair_of_nodes_gets_one_transfer_with_all_its_goods(proposals):
    outcomes = take_up(proposals, actor="ann", now=NOW)

    assert [o.state for o in outcomes] == ["accepted", "accepted"]
    assert drafts() == [("sh", "bj", "A", 15), ("sh", "bj", "B", 8), ("sh", "hz", "A", 15), ("sh", "hz", "B", 7)]
    assert set(Transfer.objects.values_list("state", "created_by", "source")) == {("draft", "ann", "allocation")}


def test_a_draft_moves_nothing_yet(proposals):
    before = levels("A")

    take_up(proposals, actor="ann", now=NOW)

    assert levels("A") == before


def test_the_same_proposals_make_no_second_set_on_one_day(proposals):
    first = take_up(proposals, actor="ann", now=NOW)

    again = take_up(allocation(now=NOW), actor="bob", now=NOW)

    assert [o.state for o in again] == ["unchanged", "unchanged"]
    assert [o.transfer_id for o in again] == [o.transfer_id for o in first]
    assert Transfer.objects.count() == 2


def test_nothing_proposed_makes_nothing():
    assert take_up([], actor="ann", now=NOW) == []
    assert Transfer.objects.count() == 0
