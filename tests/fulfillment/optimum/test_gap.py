"""The gap on stored orders: replayed on what is free now and what they took, and nothing is written."""

import pytest
from tests.support.company import NOW, goods, paid, put
from tests.support.database import row_counts
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.errors import Refusal
from tongpan.fulfillment.optimum.model import Score
from tongpan.fulfillment.optimum.queries import measure_gap
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
SHANGHAI = ShipTo("上海市", "上海市", 31.23, 121.47)


def test_routed_orders_are_compared_with_the_best_of_the_whole_batch_and_nothing_is_written():
    put("sh", A=1, B=1)
    put("hz", A=1)
    take(paid("1", goods("A"), ship_to=SHANGHAI), paid("2", goods("A"), goods("B"), ship_to=SHANGHAI))
    route_all()
    before = row_counts()

    replay = measure_gap(now=NOW)

    assert row_counts() == before
    assert (replay.gap.orders, replay.without_place) == (2, 0)
    assert replay.gap.ladder[:2] == (0, 3)
    assert replay.gap.best.score[:2] == (0, 2)
    assert replay.gap.best.is_proven
    assert replay.first <= replay.last


def test_only_the_newest_orders_are_taken_and_too_many_are_refused():
    put("sh", A=9)
    take(*(paid(str(number), goods("A"), ship_to=SHANGHAI) for number in range(3)))
    route_all()

    assert measure_gap(last=2, now=NOW).gap.ladder[:2] == Score(0, 2, 0)[:2]
    with pytest.raises(Refusal, match="Between 1 and 10,000"):
        measure_gap(last=10_001, now=NOW)


def test_without_routed_orders_there_is_nothing_to_compare():
    with pytest.raises(Refusal, match="No order has been routed yet"):
        measure_gap(now=NOW)
