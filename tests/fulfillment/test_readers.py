"""The readers of fulfilment follow the event log: orders are routed, waiting ones are served, each event once."""

from importlib import import_module

import pytest
from tests.support.company import (
    ACTOR,
    HOUR,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    order,
    paid,
    pool,
    put,
    return_of,
    shipped,
    statuses,
)
from tests.support.database import contents
from tests.support.intake import take, take_back
from tests.support.processes import run_together
from tests.support.reading import read_once

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import lag
from tongpan.fulfillment.actions import dispatch
from tongpan.fulfillment.readers import READERS, ROUTING, WAITING
from tongpan.runtime.reconcile import reconcile

pytestmark = pytest.mark.usefixtures("live_company")


def follow():
    """Let the readers of this room read until nothing is left."""
    while any(read_once(reader) for reader in READERS):
        pass


def cursor(name):
    return dict(fetch_all("SELECT reader, events_read FROM core_cursor")).get(name, 0)


def test_a_paid_order_is_allocated_and_dispatched():
    put("sh", A=5)
    take(paid("1", goods("A", 2)), order("unpaid", goods("A")))

    follow()

    assert fulfillments("1") == [("sh", "allocated", {"A": 2})]
    assert (fulfillments("unpaid"), pool("A")) == ([], (5, 2, 0))
    assert [lag(reader) for reader in READERS] == [0, 0]

    # when the goods are handed over
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW, actor=ACTOR)
    follow()
    assert (statuses()["1"], levels("A")) == ("dispatched", {"sh": (3, 0)})
    assert reconcile()["clean"]


def test_a_shipped_order_is_dispatched_directly():
    put("sh", A=5)
    take(shipped("1", goods("A", 2)))

    follow()

    assert fulfillments("1") == [("sh", "dispatched", {"A": 2})]
    assert (pool("A"), reconcile()["clean"]) == ((3, 0, 0), True)


def test_a_cancellation_frees_the_goods_and_serves_who_waits():
    put("sh", A=2)
    take(paid("1", goods("A", 2)))
    follow()
    take(paid("2", goods("A", 1)))
    follow()
    assert open_holds() == {("2", "out_of_stock")}

    take(paid("1", goods("A", 2), cancelled_at=NOW - HOUR))
    follow()

    assert (open_holds(), pool("A")) == (set(), (2, 1, 0))
    assert fulfillments("2") == [("sh", "allocated", {"A": 1})]
    assert reconcile()["clean"]


@pytest.mark.parametrize("_case, arrive", [
    ("a return", lambda: take_back(return_of("R", goods("A", 1, -1)))),
    ("an adjustment", lambda: put("hz", "found", A=1)),
])  # fmt: skip
def test_stock_that_comes_in_serves_who_waits(_case, arrive):
    take(paid("old", goods("A")), paid("new", goods("A"), placed_at=NOW))
    follow()

    arrive()
    follow()

    assert open_holds() == {("new", "out_of_stock")}
    assert [status for _, status, _ in fulfillments("old")] == ["allocated"]
    assert reconcile()["clean"]


def test_reading_again_from_the_beginning_changes_nothing():
    # given all events handled, and a cursor that was lost
    put("sh", A=5)
    take(paid("1", goods("A", 2)), paid("2", goods("A", 9)), shipped("3", goods("A")))
    take(paid("4", goods("A")), paid("4", goods("A"), cancelled_at=NOW - HOUR))
    follow()
    before = {name: rows for name, rows in contents().items() if name not in ("core_cursor", "core_event")}
    execute("DELETE FROM core_cursor")

    follow()

    after = {name: rows for name, rows in contents().items() if name not in ("core_cursor", "core_event")}
    assert after == before


def test_a_reader_that_fails_halfway_has_done_nothing(monkeypatch):
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    before = contents()

    with monkeypatch.context() as patch:
        patch.setattr(import_module("tongpan.fulfillment.actions.route"), "wait_for", _fail)
        with pytest.raises(ZeroDivisionError):
            read_once(ROUTING)

    assert contents() == before
    assert cursor("routing") == 0
    follow()
    assert fulfillments("1") == [("sh", "allocated", {"A": 2})]
    assert (cursor("routing"), cursor("waiting-orders") > 0) == (1, True)


def _fail(*args, **kwargs):
    raise ZeroDivisionError


def test_two_processes_that_read_at_once_route_every_order_once():
    put("sh", A=500)
    for number in range(40):
        take(paid(str(number), goods("A")))

    def work():
        total = 0
        while lag(ROUTING) or lag(WAITING):
            total += sum(read_once(reader) or 0 for reader in READERS)
        return total

    run_together([work, work])

    assert pool("A") == (500, 40, 0)
    assert fetch_all("SELECT count(*), count(DISTINCT order_id) FROM fulfillment_fulfillment") == [(40, 40)]
    assert fetch_all("SELECT count(*) FROM fulfillment_routingdecision") == [(40,)]
    assert cursor("routing") == 40
    assert reconcile()["clean"]
