"""Transfers: goods leave one node, are on their way, and arrive, whole or short; never what is promised."""

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import ACTOR, NOW, goods, levels, movements, paid, pool, put
from tests.support.database import contents, row_counts, statements, without_triggers
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import cancel_transfers, count, create_transfers, make_ready, receive, send
from tongpan.inventory.engine import CountDoc, StockLine
from tongpan.inventory.engine.transfers import Arrival, Receipt, Sending, TransferDoc, Wanted
from tongpan.inventory.queries import reconcile
from tongpan.inventory.transit import incoming, transfer_by_id
from tongpan.network.actions import save_services
from tongpan.network.engine import ServiceSpec
from tongpan.network.queries import active_nodes

pytestmark = pytest.mark.usefixtures("company")


def drafted(number="T1", start="sh", goal="hz", **units):
    doc = TransferDoc("test", number, start, goal, [Wanted(code, qty) for code, qty in units.items()])
    return create_transfers([doc], actor=ACTOR, now=NOW)[0]


def sent(transfer_id, quantities=None):
    return send([Sending(transfer_id, quantities)], actor=ACTOR, now=NOW)[0]


def received(transfer_id, *arrivals, reason=""):
    return receive([Receipt(transfer_id, [Arrival(*a) for a in arrivals], reason)], actor=ACTOR, now=NOW)[0]


def state_of(transfer_id):
    return transfer_by_id(transfer_id).state


def on_the_way(code):
    rows = fetch_all(
        """SELECT l.on_hand FROM inventory_level l JOIN network_node n ON n.id = l.node_id
           JOIN catalog_sku s ON s.id = l.sku_id
           WHERE s.code = %s AND n.kind = 'in_transit' AND l.bucket = 'in_transit'""",
        [code],
    )
    return rows[0][0] if rows else 0


def test_a_draft_takes_no_stock():
    put("sh", A=5)

    draft = drafted(A=3)

    assert (draft.state, state_of(draft.transfer_id)) == ("accepted", "draft")
    assert (levels("A"), pool("A"), on_the_way("A")) == ({"sh": (5, 0)}, (5, 0, 0), 0)
    assert make_ready([draft.transfer_id], actor=ACTOR, now=NOW)[0].state == "accepted"
    assert (state_of(draft.transfer_id), levels("A")) == ("ready", {"sh": (5, 0)})


def test_goods_on_their_way_are_at_no_node_and_nobody_sells_them():
    put("sh", A=5)
    draft = drafted(A=3)

    assert sent(draft.transfer_id).state == "accepted"

    assert (state_of(draft.transfer_id), on_the_way("A")) == ("in_transit", 3)
    assert (levels("A"), pool("A")) == ({"sh": (2, 0)}, (2, 0, 0))
    hz = fetch_all("SELECT id FROM network_node WHERE code = 'hz'")[0][0]
    sku = fetch_all("SELECT id FROM catalog_sku WHERE code = 'A'")[0][0]
    assert incoming([sku]) == {(sku, hz): 3}
    assert "in-transit" not in [node.code for node in active_nodes()]
    take(paid("1", goods("A", 3)))
    assert route_all() == {"1": "unfillable"}
    assert reconcile().differences == []


def test_what_arrives_is_sold_at_the_other_node_and_wakes_those_who_wait():
    put("sh", A=5)
    draft = drafted(A=3)
    sent(draft.transfer_id)
    before = len(events("stock.changed"))

    assert received(draft.transfer_id, (1, 3)).state == "accepted"

    assert (state_of(draft.transfer_id), on_the_way("A")) == ("received", 0)
    assert (levels("A"), pool("A")) == ({"hz": (3, 0), "sh": (2, 0)}, (5, 0, 0))
    assert [payload["gained"] for _, payload in events("stock.changed")[before:]] == [True]
    assert [m for m in movements("A") if m[0] in ("sent", "received")] == [
        ("sent", "sh", -3, 0, 0),
        ("sent", "in-transit", 3, 0, 0),
        ("received", "hz", 3, 0, 0),
        ("received", "in-transit", -3, 0, 0),
    ]
    assert reconcile().differences == []


def test_a_short_receipt_books_the_loss_with_its_reason():
    put("sh", A=5, B=2)
    draft = drafted(A=5, B=2)
    sent(draft.transfer_id)

    without_reason = received(draft.transfer_id, (1, 3), (2, 2))
    assert (without_reason.state, without_reason.code) == ("refused", "transfer.reason")
    assert (state_of(draft.transfer_id), on_the_way("A")) == ("in_transit", 5)
    outcome = received(draft.transfer_id, (1, 3, 1), (2, 2), reason="one box was open")

    assert (outcome.state, state_of(draft.transfer_id)) == ("accepted", "received_short")
    assert (levels("A"), levels("B"), on_the_way("A")) == (
        {"hz": (3, 0), "sh": (0, 0)},
        {"hz": (2, 0), "sh": (0, 0)},
        0,
    )
    assert pool("A") == (3, 0, 0)
    damaged = fetch_all("SELECT on_hand FROM inventory_level WHERE bucket = 'damaged'")
    assert damaged == [(1,)]
    assert fetch_all("SELECT on_hand_delta, reason FROM inventory_movement WHERE kind = 'lost'") == [
        (-1, "one box was open")
    ]
    assert reconcile().differences == []


def test_what_is_promised_to_orders_never_leaves():
    # given five units: two pinned to an order at sh, one promised from the pool
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    take(paid("2", goods("A", 1)))
    draft = drafted(A=5)
    before = contents()

    refused = sent(draft.transfer_id)

    assert (refused.state, refused.code) == ("refused", "transfer.promised")
    assert refused.reason.startswith("Only 2 of SKU A may leave with transfer T1, not 5")
    assert contents() == before | {k: v for k, v in contents().items() if k == "network_node"}
    assert sent(draft.transfer_id, {1: 2}).state == "accepted"
    assert (levels("A"), pool("A"), on_the_way("A")) == ({"sh": (3, 2)}, (3, 2, 1), 2)


def test_two_transfers_of_one_batch_share_what_is_there():
    put("sh", A=5)
    first, second = drafted("T1", A=3), drafted("T2", goal="bj", A=3)

    outcomes = send([Sending(first.transfer_id), Sending(second.transfer_id)], actor=ACTOR, now=NOW)

    assert [outcome.state for outcome in outcomes] == ["accepted", "refused"]
    assert (levels("A"), on_the_way("A")) == ({"sh": (2, 0)}, 3)


def test_every_step_may_come_twice():
    put("sh", A=5)
    doc = TransferDoc("test", "T1", "sh", "hz", [Wanted("A", 3)])
    twice = create_transfers([doc, doc], actor=ACTOR, now=NOW)
    assert [o.state for o in twice] == ["accepted", "unchanged"]
    transfer_id = twice[0].transfer_id

    steps = [
        lambda: create_transfers([doc], actor=ACTOR, now=NOW)[0],
        lambda: sent(transfer_id, {1: 2}),
        lambda: received(transfer_id, (1, 1), reason="fell"),
    ]
    for step in steps:
        step()
        before = contents()
        assert step().state == "unchanged"
        assert contents() == before

    assert sent(transfer_id, {1: 3}).code == "transfer.state", "another quantity is no repetition"
    assert received(transfer_id, (1, 2)).code == "transfer.state"
    other = TransferDoc("test", "T1", "sh", "hz", [Wanted("A", 4)])
    assert create_transfers([other], actor=ACTOR, now=NOW)[0].code == "transfer.conflict"


def test_a_cancelled_transfer_gives_back_what_is_on_its_way():
    put("sh", A=5)
    waiting, moving, done = drafted("T1", A=1), drafted("T2", A=2), drafted("T3", A=1)
    sent(moving.transfer_id)
    sent(done.transfer_id)
    received(done.transfer_id, (1, 1))

    ids = [waiting.transfer_id, moving.transfer_id, done.transfer_id]
    outcomes = cancel_transfers(ids, reason="no lorry", actor=ACTOR, now=NOW)

    assert [outcome.code for outcome in outcomes] == ["", "", "transfer.state"]
    assert [state_of(i) for i in ids] == ["cancelled", "cancelled", "received"]
    assert (levels("A"), on_the_way("A")) == ({"hz": (1, 0), "sh": (4, 0)}, 0)
    assert cancel_transfers(ids[:2], reason="no lorry", actor=ACTOR, now=NOW)[1].state == "unchanged"
    assert reconcile().differences == []


def delivered(transfer_id, *arrivals, key="", is_final=False, reason=""):
    receipt = Receipt(transfer_id, [Arrival(*a) for a in arrivals], reason, is_final, key)
    return receive([receipt], actor=ACTOR, now=NOW)[0]


def test_a_transfer_comes_in_several_deliveries_and_the_rest_stays_on_its_way():
    put("sh", A=5, B=2)
    draft = drafted(A=5, B=2)
    sent(draft.transfer_id)

    first = delivered(draft.transfer_id, (1, 2, 1), key="van 1")

    assert (first.state, state_of(draft.transfer_id)) == ("accepted", "in_transit")
    assert (levels("A")["hz"], on_the_way("A"), on_the_way("B")) == ((2, 0), 2, 2)
    assert sorted(incoming([i for (i,) in fetch_all("SELECT id FROM catalog_sku")]).values()) == [2, 2]
    assert reconcile().differences == []
    before = contents()
    assert delivered(draft.transfer_id, (1, 2, 1), key="van 1").state == "unchanged"
    assert delivered(draft.transfer_id, (1, 3), key="van 2").code == "transfer.more"
    assert delivered(draft.transfer_id, (1, 1)).code == "transfer.key"
    assert delivered(draft.transfer_id, key="van 2").code == "transfer.empty"
    assert cancel_transfers([draft.transfer_id], reason="", actor=ACTOR, now=NOW)[0].code == "transfer.partly"
    assert contents() == before

    delivered(draft.transfer_id, (1, 2), key="van 2")
    last = delivered(draft.transfer_id, (2, 2), key="van 3")

    assert (last.state, state_of(draft.transfer_id), on_the_way("A"), on_the_way("B")) == ("accepted", "received", 0, 0)
    assert (levels("A")["hz"], levels("B")["hz"]) == ((4, 0), (2, 0))
    assert fetch_all("SELECT count(*) FROM inventory_movement WHERE kind = 'lost'") == [(0,)]
    assert reconcile().differences == []


def test_what_is_left_of_several_deliveries_is_closed_short_with_its_reason():
    put("sh", A=5)
    draft = drafted(A=5)
    sent(draft.transfer_id)
    delivered(draft.transfer_id, (1, 2), key="van 1")

    assert delivered(draft.transfer_id, (1, 1), is_final=True).code == "transfer.reason"
    outcome = delivered(draft.transfer_id, (1, 1), is_final=True, key="van 2", reason="never loaded")

    assert (outcome.state, state_of(draft.transfer_id)) == ("accepted", "received_short")
    assert (levels("A"), on_the_way("A")) == ({"hz": (3, 0), "sh": (0, 0)}, 0)
    assert fetch_all("SELECT on_hand_delta, reason FROM inventory_movement WHERE kind = 'lost'") == [
        (-2, "never loaded")
    ]
    assert delivered(draft.transfer_id, (1, 1), is_final=True, key="van 2", reason="never loaded").state == "unchanged"
    assert reconcile().differences == []


def test_goods_of_other_quality_travel_too():
    count([CountDoc("test", "c", "sh", NOW, [StockLine("A", 4, "damaged"), StockLine("A", 1)])], actor=ACTOR, now=NOW)
    doc = TransferDoc("test", "T1", "sh", "hz", [Wanted("A", 3, "damaged"), Wanted("A", 1)])
    transfer_id = create_transfers([doc], actor=ACTOR, now=NOW)[0].transfer_id

    assert sent(transfer_id).state == "accepted"
    assert (on_the_way("A"), pool("A")) == (4, (0, 0, 0))
    assert received(transfer_id, (1, 3), (2, 1)).state == "accepted"

    rows = fetch_all(
        """SELECT n.code, l.bucket, l.on_hand FROM inventory_level l JOIN network_node n ON n.id = l.node_id
           WHERE l.on_hand > 0 ORDER BY 1, 2"""
    )
    assert rows == [("hz", "damaged", 3), ("hz", "saleable", 1), ("sh", "damaged", 1)]


@pytest.mark.parametrize(
    ("doc", "code"),
    [
        (TransferDoc("t", "1", "sh", "sh", [Wanted("A", 1)]), "transfer.nowhere"),
        (TransferDoc("t", "1", "sh", "xx", [Wanted("A", 1)]), "node.unknown"),
        (TransferDoc("t", "1", "sh", "in-transit", [Wanted("A", 1)]), "node.unknown"),
        (TransferDoc("t", "1", "sh", "sup", [Wanted("A", 1)]), "node.untracked"),
        (TransferDoc("t", "1", "sh", "hz", []), "transfer.empty"),
        (TransferDoc("t", "1", "sh", "hz", [Wanted("A", 0)]), "transfer.qty"),
        (TransferDoc("t", "1", "sh", "hz", [Wanted("ZZ", 1)]), "sku.unknown"),
        (TransferDoc("t", "1", "sh", "hz", [Wanted("A", 1, "in_transit")]), "stock.bucket"),
        (TransferDoc("t", "1", "sh", "hz", [Wanted("A", 1), Wanted("A", 2)]), "transfer.twice"),
        (TransferDoc("t", "", "sh", "hz", [Wanted("A", 1)]), "transfer.number"),
        (TransferDoc("t", "a\x00", "sh", "hz", [Wanted("A", 1)]), "transfer.text"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_and_nothing_is_written(doc, code):
    put("sh", A=5)
    before = row_counts()

    outcome = create_transfers([doc], actor=ACTOR, now=NOW)[0]

    assert (outcome.state, outcome.code) == ("refused", code)
    assert outcome.reason.endswith(".")
    assert row_counts() == before


def test_a_receipt_of_more_than_left_or_of_an_unknown_line_is_refused():
    put("sh", A=5)
    draft = drafted(A=3)
    sent(draft.transfer_id, {1: 2})

    assert received(draft.transfer_id, (1, 3)).code == "transfer.more"
    assert received(draft.transfer_id, (7, 1)).code == "transfer.line"
    assert received(draft.transfer_id, (1, -1), reason="x").code == "transfer.more"
    assert received(999_999, (1, 1)).code == "transfer.unknown"
    assert state_of(draft.transfer_id) == "in_transit"


def test_the_statements_do_not_grow_with_the_batch():
    codes = [f"S{n}" for n in range(40)]
    put("sh", **dict.fromkeys(codes, 10))

    def run(first, last):
        docs = [
            TransferDoc("test", f"N{n}", "sh", "hz", [Wanted(code, 1) for code in codes[:last]])
            for n in range(first, first + last // 4)
        ]
        found = [o.transfer_id for o in create_transfers(docs, actor=ACTOR, now=NOW)]
        make_ready(found, actor=ACTOR, now=NOW)
        send([Sending(i) for i in found], actor=ACTOR, now=NOW)
        receive([Receipt(i, [Arrival(n + 1, 1) for n in range(last)]) for i in found], actor=ACTOR, now=NOW)

    run(0, 4)
    with statements() as few:
        run(100, 4)
    with statements() as many:
        run(200, 36)

    # a level that is new at the other node costs one statement more, whatever their number
    assert len(few) <= len(many) <= len(few) + 2


def test_the_database_refuses_a_transfer_that_receives_more_than_was_sent():
    put("sh", A=5)
    draft = drafted(A=3)
    sent(draft.transfer_id)

    with pytest.raises(IntegrityError, match="transfer_receives_what_was_sent"), transaction.atomic():
        execute("UPDATE inventory_transferline SET good = 3, damaged = 1")
    with pytest.raises(IntegrityError, match="transfer_open_or_closed"), transaction.atomic():
        execute("UPDATE inventory_transfer SET state = 'received'")


def test_reconcile_tells_when_goods_on_their_way_have_no_transfer():
    put("sh", A=5)
    draft = drafted(A=3)
    sent(draft.transfer_id)

    with without_triggers():
        execute("UPDATE inventory_transferline SET sent = 2")

    assert reconcile().differences == [{"what": "transit", "sku": "A", "on_hand": 3, "transfers": 2}]
    assert reconcile().checked["transfers"] == 1


def test_no_shop_is_served_from_goods_on_their_way():
    put("sh", A=1)
    sent(drafted(A=1).transfer_id)

    with pytest.raises(Refusal, match="There is no node 'in-transit'"):
        save_services([ServiceSpec("tm", ["sh", "in-transit"])], actor=ACTOR, now=NOW)
