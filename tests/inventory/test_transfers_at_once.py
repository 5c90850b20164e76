"""Transfers and buyers at the same moment, in real processes: nothing leaves twice, nothing promised leaves."""

import pytest
from tests.support.company import ACTOR, NOW, goods, levels, movements, paid, pool, put
from tests.support.intake import take
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.inventory.actions import create_transfers, receive, send
from tongpan.inventory.engine.transfers import Arrival, Receipt, Sending, TransferDoc, Wanted
from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("live_company")


def drafted(number, start, goal, **units):
    doc = TransferDoc("test", number, start, goal, [Wanted(code, qty) for code, qty in units.items()])
    return create_transfers([doc], actor=ACTOR, now=NOW)[0].transfer_id


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_one_transfer_leaves_and_arrives_once(isolation):
    put("sh", A=10)
    transfer_id = drafted("T1", "sh", "hz", A=4)

    leaving = run_together(
        [lambda: send([Sending(transfer_id)], actor=ACTOR, now=NOW)[0].state] * 6, isolation=isolation
    )
    arriving = run_together(
        [lambda: receive([Receipt(transfer_id, [Arrival(1, 4)])], actor=ACTOR, now=NOW)[0].state] * 6,
        isolation=isolation,
    )

    assert sorted(leaving) == sorted(arriving) == ["accepted"] + ["unchanged"] * 5
    assert (levels("A"), pool("A")) == ({"hz": (4, 0), "sh": (6, 0)}, (10, 0, 0))
    assert len([m for m in movements("A") if m[0] in ("sent", "received")]) == 4
    assert reconcile().differences == []


def test_buyers_and_transfers_want_the_same_ten_units():
    put("sh", A=10, B=10)
    ids = [drafted(f"T{n}", "sh", "hz", **({"A": 1, "B": 1} if n % 2 else {"B": 1, "A": 1})) for n in range(10)]

    def ship():
        return sum(send([Sending(i)], actor=ACTOR, now=NOW)[0].state == "accepted" for i in ids)

    def buy(who):
        for n in range(10):
            lines = [goods("A"), goods("B")]
            take(paid(f"{who}-{n}", *(lines if n % 2 else reversed(lines))))
        return 0

    shipped = sum(run_together([ship, lambda: buy("x"), ship, lambda: buy("y")]))

    on_hand, allocated, held = pool("A")
    assert allocated == 0
    assert on_hand == 10 - shipped
    assert on_hand >= held, "what is promised is still there"
    assert held + shipped == 10, "every unit went to one of those who wanted it"
    assert fetch_all("SELECT count(*) FROM inventory_transfer WHERE state = 'in_transit'") == [(shipped,)]
    assert reconcile().differences == []
