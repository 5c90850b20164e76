"""A process that is killed in the middle of its work leaves nothing half done, and a repeat completes the rest."""

import multiprocessing
import time
from importlib import import_module

import pytest
from tests.support.company import ACTOR, NOW, goods, paid, pool, put, shipped, statuses
from tests.support.database import contents
from tests.support.intake import states, take
from tests.support.processes import kill_while
from tests.support.reading import read_once

from tongpan.core.bulk import fetch_all
from tongpan.core.eventlog import lag
from tongpan.fulfillment.readers import READERS, ROUTING
from tongpan.inventory.actions import adjust
from tongpan.inventory.engine import AdjustmentDoc, StockLine
from tongpan.orders.engine import BuyerDoc
from tongpan.runtime.reconcile import reconcile

pytestmark = pytest.mark.usefixtures("live_company")


def stopping_at(module, name, reached):
    """Let ``module.name`` do its work in this process, tell that it has, and then hang."""
    target = import_module(module)
    original = getattr(target, name)

    def work_and_hang(*args, **kwargs):
        result = original(*args, **kwargs)
        reached.set()
        time.sleep(60)
        return result

    setattr(target, name, work_and_hang)


def killed_at(work, module, name):
    """Run ``work`` in a process and kill it when ``module.name`` has been called for the first time."""
    reached = multiprocessing.get_context("fork").Event()

    def run():
        stopping_at(module, name, reached)
        work()

    kill_while(run, reached.is_set)


def orders():
    docs = []
    for n in range(60):
        make = shipped if n % 3 == 0 else paid
        docs.append(make(f"{n:03}", goods("A"), goods(f"S{n % 5}", 2), buyer=BuyerDoc("b", "tm", f"u{n % 9}")))
    return docs


def wait_until_gone():
    """The server rolls back what the killed process had begun as soon as it notices that it is gone."""
    for _ in range(200):
        open_ones = fetch_all(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
        )[0][0]
        if not open_ones:
            return
        time.sleep(0.05)
    raise AssertionError("the killed process still has a transaction open")


@pytest.mark.parametrize(
    "module, name",
    [
        ("tongpan.orders.actions.intake", "ensure_skus"),
        ("tongpan.orders.actions.intake", "identify"),
        ("tongpan.orders.actions.intake", "insert"),
        ("tongpan.orders.actions.intake", "record"),
        ("tongpan.orders.actions.intake", "promise"),
    ],
)
def test_killed_while_orders_come_in(module, name):
    put("sh", A=40, **{f"S{n}": 40 for n in range(5)})
    before = contents()

    killed_at(lambda: take(*orders()), module, name)
    wait_until_gone()

    # then nothing of the batch is in
    assert contents() == before
    assert reconcile()["clean"]
    # and the repeat brings all of it
    assert states(take(*orders())) == ["accepted"] * 60
    assert states(take(*orders())) == ["unchanged"] * 60
    assert pool("A") == (40, 0, 40)
    assert reconcile()["clean"]


def test_killed_between_two_batches():
    # given a process that was killed when its first batch was in and its second was not
    put("sh", A=100, **{f"S{n}": 100 for n in range(5)})
    first, second = orders()[:30], orders()[30:]
    take(*first)

    killed_at(lambda: take(*second), "tongpan.orders.actions.intake", "promise")
    wait_until_gone()

    assert set(statuses()) == {doc.external_id for doc in first}
    assert states(take(*first, *second)) == ["unchanged"] * 30 + ["accepted"] * 30
    assert reconcile()["clean"]


@pytest.mark.parametrize(
    "module, name",
    [
        ("tongpan.fulfillment.actions.route", "lock_shares"),
        ("tongpan.fulfillment.actions.route", "pin"),
        ("tongpan.fulfillment.actions.route", "post"),
        ("tongpan.fulfillment.actions.route", "wait_for"),
        ("tongpan.core.eventlog", "execute"),
    ],
)
def test_killed_while_orders_are_routed(module, name):
    put("sh", A=45, **{f"S{n}": 45 for n in range(5)})
    take(*orders())
    before = contents()

    killed_at(lambda: read_once(ROUTING), module, name)
    wait_until_gone()

    # then neither the routes nor the reader's place in the log have moved
    assert contents() == before
    assert reconcile()["clean"]
    # and the next reader does all of it once
    while any(read_once(reader) for reader in READERS):
        pass
    assert [lag(reader) for reader in READERS] == [0, 0]
    assert reconcile()["clean"]
    on_hand, allocated, held = pool("A")
    assert (45 - on_hand + allocated, held) == (45, 0)
    assert fetch_all("SELECT count(*), count(DISTINCT order_id) FROM fulfillment_routingdecision") == [(60, 60)]


def test_killed_while_stock_is_adjusted():
    docs = [AdjustmentDoc("wms", f"{n}", "sh", NOW, [StockLine("A", 1), StockLine("B", 2)]) for n in range(20)]
    before = contents()

    killed_at(lambda: adjust(docs, actor=ACTOR, now=NOW), "tongpan.inventory.actions.documents", "post")
    wait_until_gone()

    assert contents() == before
    assert {outcome.state for outcome in adjust(docs, actor=ACTOR, now=NOW)} == {"accepted"}
    assert {outcome.state for outcome in adjust(docs, actor=ACTOR, now=NOW)} == {"unchanged"}
    assert (pool("A"), pool("B")) == ((20, 0, 0), (40, 0, 0))
    assert reconcile()["clean"]
