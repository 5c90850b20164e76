"""A number that occurs several times in one batch is taken in the order given, as if in batches of one."""

import pytest
from tests.support.company import HOUR, NOW, goods, order, paid, pool, put, shipped, statuses
from tests.support.database import rolled_back, row_counts
from tests.support.intake import states, take

from tongpan.core.bulk import fetch_all

pytestmark = pytest.mark.usefixtures("company")
A, B = goods("A", 1, 100), goods("B", 1, 200)


@pytest.mark.parametrize(
    "_case, copies, expected",
    [
        ("the same twice", [paid("1", A), paid("1", A)], ["accepted", "unchanged"]),
        ("the same three times", [paid("1", A)] * 3, ["accepted", "unchanged", "unchanged"]),
        ("newer after older", [order("1", A), shipped("1", A)], ["accepted", "updated"]),
        ("older after newer", [shipped("1", A), order("1", A)], ["accepted", "stale"]),
        ("more lines later", [paid("1", A), paid("1", A, B)], ["accepted", "updated"]),
        ("truncated later", [paid("1", A, B), paid("1", A)], ["accepted", "stale"]),
        ("another one later", [paid("1", A), paid("1", B)], ["accepted", "refused"]),
        ("bad, then good", [paid("1", goods("A", -1)), paid("1", A)], ["refused", "accepted"]),
        (
            "back and forth",
            [paid("1", A, version=NOW), paid("1", A, version=NOW - HOUR), paid("1", A, B, version=NOW + HOUR)],
            ["accepted", "stale", "updated"],
        ),
    ],
)
def test_copies_in_one_batch_are_taken_like_batches_of_one(_case, copies, expected):
    put("sh", A=5, B=5)
    with rolled_back():
        one_by_one = [states(take(doc))[0] for doc in copies]
        apart = (statuses(), pool("A"), pool("B"), fetch_all("SELECT count(*), sum(qty) FROM orders_orderline"))

    together = states(take(*copies))

    assert together == one_by_one == expected
    assert (statuses(), pool("A"), pool("B"), fetch_all("SELECT count(*), sum(qty) FROM orders_orderline")) == apart
    assert row_counts()["orders_order"] == 1


def test_other_orders_of_the_batch_are_not_disturbed():
    put("sh", A=5)

    outcomes = take(paid("1", A), paid("2", A), paid("1", A), paid("3", A), paid("2", A, shop_code="tm2"))

    assert states(outcomes) == ["accepted", "accepted", "unchanged", "accepted", "accepted"]
    assert row_counts()["orders_order"] == 4
    assert pool("A") == (5, 0, 4)
