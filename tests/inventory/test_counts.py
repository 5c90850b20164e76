"""Counts: what is found, what moved meanwhile, who approves, what is booked, and how right the book was."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import ACTOR, DAY, HOUR, NOW, goods, levels, movements, paid, pool, put
from tests.support.database import contents, row_counts, statements
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import dispatch
from tongpan.inventory.actions import (
    approve_count,
    cancel_count,
    count,
    enter_counts,
    open_counts,
    save_count_rules,
    send_back_count,
    submit_count,
)
from tongpan.inventory.counts import accuracy_by_node, due_counts, sheet_by_id
from tongpan.inventory.engine import CountDoc, StockLine
from tongpan.inventory.engine.counting import CountRules, Found, SheetDoc
from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("company")
ANNA, BEN, CHEN = "user:anna", "user:ben", "user:chen"


def opened(*codes, number="C1", node="sh", kind="cycle", **more):
    doc = SheetDoc("test", number, node, kind, codes, **more)
    return open_counts([doc], actor=ANNA, now=NOW)[0].sheet_id


def found(sheet_id, actor=ANNA, at=None, **units):
    entries = [Found(code, qty) for code, qty in units.items()]
    return [o.state for o in enter_counts(sheet_id, entries, actor=actor, now=NOW, counted_at=at)]


def submitted(sheet_id, reason="shelves were moved", actor=ANNA, **more):
    return submit_count(sheet_id, reason=reason, actor=actor, now=NOW, **more)


def lines(sheet_id):
    """(SKU, book, counted, expected, applied) of each line."""
    return [
        (line.sku.code, line.book, line.counted, line.expected, line.applied)
        for line in sheet_by_id(sheet_id).shown_lines
    ]


def node_id(code="sh"):
    return fetch_all("SELECT id FROM network_node WHERE code = %s", [code])[0][0]


def test_a_full_count_has_every_level_of_the_node_and_a_cycle_count_what_was_named():
    put("sh", A=5, B=3)
    put("hz", C=9)
    count([CountDoc("test", "d", "sh", NOW, [StockLine("A", 2, "damaged")])], actor=ACTOR, now=NOW)

    full, cycle = opened(kind="full"), opened("C", "B", number="C2")

    rows = fetch_all(
        """SELECT s.code, l.bucket, l.book FROM inventory_countline l JOIN catalog_sku s ON s.id = l.sku_id
           WHERE sheet_id = %s ORDER BY line_no""",
        [full],
    )
    assert rows == [("A", "damaged", 2), ("A", "saleable", 5), ("B", "saleable", 3)]
    assert [line[:2] for line in lines(cycle)] == [("B", 3), ("C", 0)]


def test_a_small_difference_is_booked_at_once():
    put("sh", A=400)
    sheet_id = opened("A")
    found(sheet_id, A=398)

    assert submitted(sheet_id, reason="").state == "accepted"

    sheet = sheet_by_id(sheet_id)
    assert (sheet.state, sheet.approved_by, lines(sheet_id)) == ("booked", ANNA, [("A", 400, 398, 400, -2)])
    assert (levels("A"), movements("A")[-1]) == ({"sh": (398, 0)}, ("counted", "sh", -2, 0, 0))


def test_a_large_difference_waits_for_another_person():
    put("sh", A=100)
    sheet_id = opened("A")
    found(sheet_id, A=90)
    found(sheet_id, actor=BEN, A=80)

    assert submitted(sheet_id, reason=" ").code == "count.reason"
    assert submitted(sheet_id).state == "accepted"
    assert (sheet_by_id(sheet_id).state, levels("A")) == ("submitted", {"sh": (100, 0)})
    assert approve_count(sheet_id, actor=ANNA, now=NOW).code == "count.own", "handed it in"
    assert approve_count(sheet_id, actor=BEN, now=NOW).code == "count.own", "counted it"
    assert levels("A") == {"sh": (100, 0)}

    assert approve_count(sheet_id, actor=CHEN, now=NOW).state == "accepted"

    assert (sheet_by_id(sheet_id).state, levels("A"), pool("A")) == ("booked", {"sh": (80, 0)}, (80, 0, 0))
    rows = fetch_all(
        "SELECT on_hand_delta, actor, reason, cause_type, cause_id FROM inventory_movement WHERE kind = 'counted'"
    )
    assert rows == [(-20, CHEN, "shelves were moved", "count_sheet", sheet_id)]
    before = contents()
    assert approve_count(sheet_id, actor=CHEN, now=NOW).state == "unchanged"
    assert submitted(sheet_id).state == "unchanged"
    assert contents() == before


def test_goods_that_leave_during_the_count_are_no_difference():
    # given a sheet whose book says ten, of which two leave before and three after A is counted
    put("sh", A=10)
    take(paid("1", goods("A", 2)), paid("2", goods("A", 3)))
    route_all()
    sheet_id = opened("A")
    ids = [i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment ORDER BY id")]
    dispatch(ids[:1], at=NOW, actor=ACTOR)
    found(sheet_id, A=8)
    dispatch(ids[1:], at=NOW, actor=ACTOR)

    assert submitted(sheet_id).state == "accepted"

    assert lines(sheet_id) == [("A", 10, 8, 8, 0)]
    assert (levels("A"), sheet_by_id(sheet_id).state) == ({"sh": (5, 0)}, "booked")
    assert "counted" not in [m[0] for m in movements("A")]


def test_a_count_that_comes_in_late_is_held_against_the_book_of_its_instant():
    put("sh", A=10)
    sheet_id = opened("A")
    take(paid("1", goods("A", 4)))
    route_all()
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW - HOUR, actor=ACTOR)

    found(sheet_id, at=NOW - 2 * HOUR, A=10)

    assert lines(sheet_id) == [("A", 10, 10, 10, None)]
    submitted(sheet_id)
    assert levels("A") == {"sh": (6, 0)}


def test_what_is_promised_to_orders_stays_and_the_rest_is_left_open():
    put("sh", A=10)
    take(paid("1", goods("A", 4)))
    route_all()
    take(paid("2", goods("A", 3)))
    sheet_id = opened("A")
    found(sheet_id, A=1)
    submitted(sheet_id)

    approve_count(sheet_id, actor=CHEN, now=NOW)

    assert lines(sheet_id) == [("A", 10, 1, 10, -3)]
    assert (levels("A"), pool("A")) == ({"sh": (7, 4)}, (7, 4, 3))
    assert reconcile().differences == []


def test_several_people_add_up_what_they_find_and_an_entry_counts_once():
    put("sh", A=10)
    sheet_id = opened("A")
    shelf = [Found("A", 6, is_more=True, key="shelf-1")]
    cellar = [Found("A", 4, is_more=True, key="cellar-1")]

    assert enter_counts(sheet_id, shelf, actor=ANNA, now=NOW)[0].state == "accepted"
    assert enter_counts(sheet_id, cellar, actor=BEN, now=NOW)[0].state == "accepted"
    assert enter_counts(sheet_id, shelf, actor=ANNA, now=NOW)[0].state == "unchanged"

    assert lines(sheet_id)[0][2] == 10
    found(sheet_id, A=9)
    assert lines(sheet_id)[0][2] == 9, "a number without more takes the place of the others"
    assert fetch_all("SELECT entered_by, qty FROM inventory_countentry ORDER BY id") == [(ANNA, 6), (BEN, 4), (ANNA, 9)]


def test_goods_that_nobody_expected_are_added_to_the_sheet():
    put("sh", A=1)
    put("hz", B=5)
    sheet_id = opened("A")

    assert found(sheet_id, A=1, B=2, ZZ=1) == ["accepted", "accepted", "refused"]

    assert lines(sheet_id) == [("A", 1, 1, 1, None), ("B", 0, 2, 0, None)]
    submitted(sheet_id)
    approve_count(sheet_id, actor=CHEN, now=NOW)
    assert levels("B") == {"hz": (5, 0), "sh": (2, 0)}


def test_lines_that_nobody_counted_are_left_or_were_empty():
    put("sh", A=5, B=3)
    left, empty = opened(kind="full"), opened(kind="full", number="C2")
    found(left, A=5)
    found(empty, A=5)

    submitted(left)
    assert (sheet_by_id(left).state, levels("B")) == ("booked", {"sh": (3, 0)})
    submitted(empty, uncounted="zero")
    approve_count(empty, actor=CHEN, now=NOW)
    assert levels("B") == {"sh": (0, 0)}


def test_a_sheet_sent_back_is_counted_again_where_it_differed():
    put("sh", A=50, B=3)
    sheet_id = opened("A", "B")
    found(sheet_id, A=20, B=3)
    submitted(sheet_id)

    assert send_back_count(sheet_id, reason="look behind the door", actor=CHEN, now=NOW).state == "accepted"

    assert lines(sheet_id) == [("A", 50, None, None, None), ("B", 3, 3, 3, None)]
    found(sheet_id, A=50)
    submitted(sheet_id)
    assert (sheet_by_id(sheet_id).state, levels("A")) == ("booked", {"sh": (50, 0)})


def test_a_cancelled_count_books_nothing_and_takes_no_more_numbers():
    put("sh", A=5)
    sheet_id = opened("A")
    found(sheet_id, A=1)

    assert cancel_count(sheet_id, reason="stocktaking moved", actor=ANNA, now=NOW).state == "accepted"
    assert cancel_count(sheet_id, reason="stocktaking moved", actor=ANNA, now=NOW).state == "unchanged"

    assert found(sheet_id, A=2) == ["refused"]
    assert submitted(sheet_id).code == "count.state"
    assert approve_count(sheet_id, actor=CHEN, now=NOW).code == "count.state"
    assert levels("A") == {"sh": (5, 0)}


@pytest.mark.parametrize(
    ("doc", "code"),
    [
        (SheetDoc("t", "1", "xx", "full"), "node.unknown"),
        (SheetDoc("t", "1", "sup", "full"), "node.untracked"),
        (SheetDoc("t", "1", "sh", "half"), "count.kind"),
        (SheetDoc("t", "1", "sh", "cycle"), "count.empty"),
        (SheetDoc("t", "1", "sh", "cycle", ["ZZ"]), "sku.unknown"),
        (SheetDoc("t", "", "sh", "full"), "count.number"),
        (SheetDoc("t", "a\x00", "sh", "full"), "count.text"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused_and_nothing_is_written(doc, code):
    put("sh", A=5)
    before = row_counts()

    outcome = open_counts([doc], actor=ANNA, now=NOW)[0]

    assert (outcome.state, outcome.code, row_counts()) == ("refused", code, before)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Found("A", -1), "count.qty"),
        (Found("A", 1, "eaten"), "stock.bucket"),
        (Found("A", 1, "in_transit"), "stock.bucket"),
        (Found("A", 1, is_more=True), "count.key"),
        (Found("ZZ", 1), "sku.unknown"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(entry, code):
    put("sh", A=5)
    sheet_id = opened("A")

    assert enter_counts(sheet_id, [entry], actor=ANNA, now=NOW)[0].code == code
    assert lines(sheet_id)[0][2] is None


def test_the_same_sheet_opened_again_is_unchanged():
    put("sh", A=5)
    doc = SheetDoc("test", "C1", "sh", "full")

    states = [o.state for o in open_counts([doc, doc], actor=ANNA, now=NOW)]

    assert states == ["accepted", "unchanged"]
    assert open_counts([doc], actor=ANNA, now=NOW)[0].state == "unchanged"
    assert fetch_all("SELECT count(*) FROM inventory_countline") == [(1,)]


def test_the_accuracy_of_a_node_is_one_less_the_share_of_units_that_were_off():
    put("sh", A=90, B=10)
    put("hz", A=50)
    first, second = opened("A", "B"), opened("A", number="C2", node="hz")
    found(first, A=89, B=12)
    found(second, A=50)
    submitted(second)
    submitted(first)
    approve_count(first, actor=CHEN, now=NOW)

    nodes, total = accuracy_by_node(NOW - DAY, NOW + DAY)

    assert [(n.node, n.lines, n.exact, n.book, n.off, n.ratio, n.is_met) for n in nodes] == [
        ("Hangzhou", 1, 1, 50, 0, Decimal(1), True),
        ("Shanghai", 2, 0, 100, 3, Decimal("0.97"), False),
    ]
    assert (total.lines, total.book, total.off, total.ratio, total.is_met) == (3, 150, 3, Decimal("0.98"), True)
    save_count_rules(CountRules(accuracy="lines"), actor=ANNA, now=NOW)
    nodes, total = accuracy_by_node(NOW - DAY, NOW + DAY)
    assert [n.ratio for n in nodes] == [Decimal(1), Decimal(0)]
    nothing, of_nothing = accuracy_by_node(NOW + DAY, NOW + 2 * DAY)
    assert (nothing, of_nothing.ratio, of_nothing.is_met) == ([], None, None)


def test_rules_that_make_no_sense_are_refused():
    for rules in (CountRules(tolerance_units=-1), CountRules(accuracy="luck"), CountRules(days_a=100, days_b=10)):
        with pytest.raises(Refusal):
            save_count_rules(rules, actor=ANNA, now=NOW)


def test_what_leaves_most_and_was_not_counted_for_long_is_due_first():
    # given A leaves most, B hardly, C not at all; all were stocked two days ago
    put("sh", A=1000, B=100, C=50, D=0)
    take(paid("1", goods("A", 90)), paid("2", goods("B", 8)))
    route_all()
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW, actor=ACTOR)

    due = due_counts(node_id(), NOW)
    assert [(d.sku_code, d.rank, d.on_hand, d.shipped, d.days) for d in due] == [
        ("A", "A", 910, 90, 2),
        ("B", "B", 92, 8, 2),
        ("C", "C", 50, 0, 2),
    ]

    # when A and C are counted
    sheet_id = opened("A", "C")
    found(sheet_id, A=910, C=50)
    submitted(sheet_id)

    assert [d.sku_code for d in due_counts(node_id(), NOW + timedelta(days=29))] == ["B"]
    assert [d.sku_code for d in due_counts(node_id(), NOW + timedelta(days=31))] == ["A", "B"]


def test_the_statements_do_not_grow_with_the_sheet():
    codes = [f"S{n}" for n in range(200)]
    put("sh", **dict.fromkeys(codes, 10))

    def run(number, some):
        sheet_id = opened(*some, number=number)
        found(sheet_id, **dict.fromkeys(some, 7))
        submitted(sheet_id)
        approve_count(sheet_id, actor=CHEN, now=NOW)
        assert {line[4] for line in lines(sheet_id)} == {-3}

    with statements() as few:
        run("few", codes[:2])
    with statements() as many:
        run("many", codes[2:])

    assert len(many) == len(few)


def test_the_database_keeps_one_entry_of_a_key_and_one_line_of_a_sku():
    put("sh", A=5)
    sheet_id = opened("A")
    enter_counts(sheet_id, [Found("A", 1, is_more=True, key="k")], actor=ANNA, now=NOW)

    with pytest.raises(IntegrityError, match="count_entry_once"), transaction.atomic():
        execute(
            """INSERT INTO inventory_countentry (line_id, qty, is_more, entered_by, counted_at, key)
               SELECT id, 1, true, 'x', now(), 'k' FROM inventory_countline"""
        )
    with pytest.raises(IntegrityError, match="count_sheet_booked_at"), transaction.atomic():
        execute("UPDATE inventory_countsheet SET state = 'booked'")
