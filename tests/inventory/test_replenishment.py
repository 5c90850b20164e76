"""Below its safety line a node asks for more by itself, once; people accept, transfers bring it; some is urgent."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import ACTOR, HOUR, NOW, goods, levels, paid, pool, put, recount
from tests.support.database import row_counts, statements
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import (
    accept_replenishments,
    cancel_transfers,
    close_replenishments,
    mark_overdue,
    receive,
    request_urgently,
    save_replenish_rules,
    send,
    watch_lines,
)
from tongpan.inventory.engine.replenishing import ReplenishRules, Shortage, UrgentDoc, needed, propose
from tongpan.inventory.engine.transfers import Arrival, Receipt, Sending
from tongpan.inventory.models import Replenishment, StockAlert
from tongpan.inventory.readers import SAFETY_LINES
from tongpan.inventory.replenishment import (
    ReplenishFilter,
    alert_figures,
    count_replenishments,
    fetch_replenishments,
    open_alerts,
)
from tongpan.inventory.transit import transfer_by_id

pytestmark = pytest.mark.usefixtures("company")


def line(node, units, sku=None):
    """Draw the safety line of a SKU (of every SKU without ``sku``) at a node."""
    execute(
        """INSERT INTO inventory_nodepolicy (node_id, sku_id, safety_stock, routing_floor, safety_line)
           SELECT n.id, (SELECT id FROM catalog_sku WHERE code = %s), 0, 0, %s FROM network_node n WHERE n.code = %s""",
        [sku, units, node],
    )


def watched(*codes):
    """Hold the stock against the lines: (alerts opened, closed)."""
    rows = fetch_all("SELECT id FROM catalog_sku WHERE code = ANY(%s)", [list(codes)])
    return watch_lines({i for (i,) in rows} if codes else None, now=NOW)


def proposals():
    """(SKU, node, from, units, state) of every replenishment, oldest first."""
    rows = Replenishment.objects.select_related("sku", "node", "from_node").order_by("id")
    return [(r.sku.code, r.node.code, r.from_node.code if r.from_node else None, r.qty, r.state) for r in rows]


def urgent(number="U1", **more):
    doc = UrgentDoc(**({"source": "test", "number": number, "node_code": "hz", "sku_code": "A", "qty": 5,
                        "reason": "live room 8 pm"} | more))  # fmt: skip
    return request_urgently([doc], actor=ACTOR, now=NOW)[0]


def test_a_level_below_its_line_opens_one_alert_and_one_proposal_up_to_the_target():
    put("sh", A=100)
    put("hz", A=3)
    line("hz", 10)

    assert watched("A") == (1, 0)

    alert = open_alerts().get()
    assert (alert.node.code, alert.sku.code, alert.units, alert.line) == ("hz", "A", 3, 10)
    assert proposals() == [("A", "hz", "sh", 17, "proposed")]
    assert Replenishment.objects.get().due_at == NOW + timedelta(hours=72)
    assert len(events("stock.alert_opened")) == 1
    before = row_counts()
    assert watched("A") == watched() == (0, 0)
    assert row_counts() == before, "nothing twice while it is open"


def test_a_sku_has_a_line_of_its_own_or_that_of_the_node_and_none_at_zero():
    put("sh", A=5, B=5, C=5)
    line("sh", 6)
    line("sh", 4, "A")
    line("sh", 0, "C")

    watched()

    assert [alert.sku.code for alert in open_alerts()] == ["B"]


def test_goods_with_a_line_that_were_never_there_are_missing_too():
    put("sh", A=50)
    line("hz", 5, "A")

    watched("A")

    assert proposals() == [("A", "hz", "sh", 10, "proposed")]


def test_what_is_pinned_to_orders_does_not_count_as_being_there():
    put("sh", A=6)
    line("sh", 4)
    assert watched("A") == (0, 0)

    take(paid("1", goods("A", 3)))
    route_all()

    assert watched("A") == (1, 0)
    assert open_alerts().get().units == 3


def test_when_the_stock_is_back_the_alert_closes_and_an_open_proposal_lapses():
    put("sh", A=100)
    put("hz", A=3)
    line("hz", 10)
    watched("A")

    recount("hz", "found", A=10)

    assert watched("A") == (0, 1)
    assert (open_alerts().count(), [p[-1] for p in proposals()]) == (0, ["lapsed"])
    recount("hz", "lost", A=2)
    assert watched("A") == (1, 0)
    assert [p[-1] for p in proposals()] == ["lapsed", "proposed"]


def test_without_a_warehouse_that_can_give_a_supplier_must_deliver():
    put("hz", A=3)
    line("hz", 10)
    line("sh", 50, "A")
    put("sh", A=50)

    watched("A")

    assert proposals() == [("A", "hz", None, 17, "proposed")], "the warehouse keeps what is below its own line"
    [outcome] = accept_replenishments([Replenishment.objects.get().pk], actor=ACTOR, now=NOW)
    assert outcome.state == "accepted"
    put("hz", "delivery", A=20)
    watched("A")
    assert proposals()[0][-1] == "done"


def test_two_nodes_do_not_get_the_same_units():
    put("sh", A=20)
    put("hz", A=1)
    put("bj", A=1)
    line("hz", 8)
    line("bj", 8)

    watched("A")

    nodes = dict(fetch_all("SELECT code, id FROM network_node"))
    first, second = sorted(["hz", "bj"], key=nodes.get)
    assert proposals() == [("A", first, "sh", 15, "proposed"), ("A", second, "sh", 5, "proposed")]


def test_an_accepted_proposal_becomes_a_transfer_and_is_done_when_that_arrives():
    put("sh", A=100, B=100)
    put("hz", A=3, B=1)
    line("hz", 10)
    watched()
    ids = list(Replenishment.objects.order_by("id").values_list("pk", flat=True))

    outcomes = accept_replenishments(ids, actor="user:anna", now=NOW)

    assert [o.state for o in outcomes] == ["accepted", "accepted"]
    transfer_ids = set(Replenishment.objects.values_list("transfer_id", flat=True))
    assert len(transfer_ids) == 1, "one lorry for both"
    transfer = transfer_by_id(transfer_ids.pop())
    assert (transfer.state, transfer.from_node.code, transfer.to_node.code) == ("draft", "sh", "hz")
    assert [(n.sku.code, n.qty) for n in transfer.shown_lines] == [("A", 17), ("B", 19)]
    assert [o.state for o in accept_replenishments(ids, actor="user:anna", now=NOW)] == ["unchanged", "unchanged"]

    send([Sending(transfer.pk)], actor=ACTOR, now=NOW)
    receive([Receipt(transfer.pk, [Arrival(1, 17), Arrival(2, 19)])], actor=ACTOR, now=NOW)
    follow()

    assert [p[-1] for p in proposals()] == ["done", "done"]
    assert (open_alerts().count(), levels("A")) == (0, {"hz": (20, 0), "sh": (83, 0)})


def test_with_a_cancelled_transfer_the_goods_are_proposed_again():
    put("sh", A=100)
    put("hz", A=3)
    line("hz", 10)
    watched()
    accept_replenishments([Replenishment.objects.get().pk], actor=ACTOR, now=NOW)

    cancel_transfers([Replenishment.objects.get().transfer_id], reason="no lorry", actor=ACTOR, now=NOW)
    follow()

    assert proposals() == [("A", "hz", "sh", 17, "proposed")]
    assert Replenishment.objects.get().transfer_id is None


def test_what_arrives_short_is_proposed_again():
    put("sh", A=100)
    put("hz", A=3)
    line("hz", 10)
    watched()
    accept_replenishments([Replenishment.objects.get().pk], actor=ACTOR, now=NOW)
    transfer_id = Replenishment.objects.get().transfer_id
    send([Sending(transfer_id)], actor=ACTOR, now=NOW)
    receive([Receipt(transfer_id, [Arrival(1, 2)], "fell off")], actor=ACTOR, now=NOW)

    follow()

    assert proposals() == [("A", "hz", "sh", 17, "done"), ("A", "hz", "sh", 15, "proposed")]
    assert StockAlert.objects.count() == 1, "the alert was open all the while"


def test_what_was_dismissed_is_not_proposed_again_while_its_alert_is_open():
    put("sh", A=100)
    put("hz", A=3)
    line("hz", 10)
    watched()

    [outcome] = close_replenishments(
        [Replenishment.objects.get().pk], is_done=False, decision="runs out", actor=ACTOR, now=NOW
    )
    watched()

    assert (outcome.state, proposals()) == ("accepted", [("A", "hz", "sh", 17, "dismissed")])
    assert open_alerts().count() == 1


def test_an_urgent_request_is_due_in_hours_and_first_on_the_desk():
    put("sh", A=100, B=100)
    put("hz", A=3, B=1)
    line("hz", 10)
    watched()

    outcome = urgent()

    assert outcome.state == "accepted"
    assert urgent().state == "unchanged"
    assert urgent(qty=6).code == "replenish.conflict"
    request = Replenishment.objects.get(is_urgent=True)
    assert (request.due_at, request.from_node.code, request.reason) == (NOW + 4 * HOUR, "sh", "live room 8 pm")
    first = fetch_replenishments(ReplenishFilter(), 0, 9)[0]
    assert first.pk == request.pk
    accept_replenishments([request.pk], actor=ACTOR, now=NOW)
    request.refresh_from_db()
    transfer = transfer_by_id(request.transfer_id)
    assert (transfer.note, transfer.expected_at) == ("live room 8 pm", NOW + 4 * HOUR)


def test_what_is_late_is_marked_and_told_of_once():
    put("sh", A=100)
    urgent()
    urgent("U2", due_at=NOW + 9 * HOUR)

    assert mark_overdue(NOW + 4 * HOUR) == 0
    assert mark_overdue(NOW + 5 * HOUR) == 1
    assert mark_overdue(NOW + 5 * HOUR) == 0

    assert count_replenishments(ReplenishFilter("overdue"), 9) == 1
    assert alert_figures() == {"alerts": 0, "proposed": 2, "urgent": 2, "overdue": 1}
    assert [p["what"] for _, p in events("replenishment.changed")].count("overdue") == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": " "}, "replenish.reason"),
        ({"qty": 0}, "replenish.qty"),
        ({"node_code": "xx"}, "node.unknown"),
        ({"node_code": "sup"}, "node.untracked"),
        ({"sku_code": "ZZ"}, "sku.unknown"),
        ({"due_at": NOW - HOUR}, "replenish.due"),
        ({"number": ""}, "replenish.number"),
        ({"number": "\x00"}, "replenish.text"),
    ],
)
def test_an_urgent_request_that_cannot_be_is_refused(changes, code):
    put("sh", A=100)
    before = row_counts()

    outcome = urgent(**changes)

    assert (outcome.state, outcome.code, row_counts()) == ("refused", code, before)


def test_decisions_are_refused_where_they_make_no_sense():
    put("sh", A=100)
    i = urgent().sheet_id

    assert close_replenishments([i], is_done=True, decision="", actor=ACTOR, now=NOW)[0].code == "replenish.state"
    accept_replenishments([i], actor=ACTOR, now=NOW)
    done = close_replenishments([i], is_done=True, decision="", actor=ACTOR, now=NOW)[0]
    assert done.reason == f"Replenishment {i} is on its way; it cannot be done now."
    assert close_replenishments([i], is_done=False, decision="", actor=ACTOR, now=NOW)[0].code == "replenish.state"
    assert accept_replenishments([999], actor=ACTOR, now=NOW)[0].code == "replenish.unknown"
    with pytest.raises(Refusal):
        save_replenish_rules(ReplenishRules(target_percent=50), actor=ACTOR, now=NOW)


def test_the_statements_do_not_grow_with_the_alerts():
    codes = [f"S{n}" for n in range(60)]
    put("sh", **dict.fromkeys(codes, 100))
    line("hz", 5, codes[0])
    line("hz", 5, codes[1])
    with statements() as few:
        assert watched(*codes[:2]) == (2, 0)
    for code in codes[2:]:
        line("hz", 5, code)

    with statements() as many:
        assert watched(*codes[2:]) == (58, 0)

    assert len(many) == len(few)


def test_how_much_is_needed_counts_what_is_on_its_way():
    rules = ReplenishRules(target_percent=150)
    assert needed(Shortage(1, 1, 1, 2, 5, 0), rules) == 6
    assert needed(Shortage(1, 1, 1, 2, 5, 4), rules) == 2
    assert needed(Shortage(1, 1, 1, 2, 5, 9), rules) == 0
    assert propose([Shortage(1, 1, 1, 2, 5, 9)], {1: {7: 50}}, rules) == []


def test_the_database_keeps_one_open_alert_and_one_open_proposal_of_a_level():
    put("sh", A=100)
    put("hz", A=3)
    line("hz", 10)
    watched()

    with pytest.raises(IntegrityError, match="one_open_alert_of_a_level"), transaction.atomic():
        execute("INSERT INTO inventory_stockalert (node_id, sku_id, units, line, opened_at)"
                " SELECT node_id, sku_id, units, line, now() FROM inventory_stockalert")  # fmt: skip
    with pytest.raises(IntegrityError, match="one_open_replenishment_of_a_level"), transaction.atomic():
        execute("""INSERT INTO inventory_replenishment (source, number, node_id, sku_id, qty, is_urgent, state, reason,
                     decision, created_by, created_at, due_at, decided_by)
                   SELECT 'x', 'y', node_id, sku_id, 1, false, 'proposed', '', '', '', now(), now(), ''
                   FROM inventory_replenishment""")  # fmt: skip
    assert pool("A") == (103, 0, 0)


def follow():
    """What the reader does with all that has been logged."""
    from tongpan.core.eventlog import Event

    rows = fetch_all(
        "SELECT id, name, key FROM core_event WHERE name = ANY(%s) ORDER BY id", [list(SAFETY_LINES.follows)]
    )
    SAFETY_LINES.handle([Event(0, i, name, key, {}, NOW) for i, name, key in rows])
