"""Counts and adjustments: one movement for each changed line, nothing below zero, nothing lost silently."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import (
    ACTOR,
    NOW,
    goods,
    levels,
    movements,
    paid,
    pool,
    put,
    recount,
)
from tests.support.database import contents, row_counts, statements
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.inventory.actions import adjust, count, documents
from tongpan.inventory.engine import MAX_QTY, AdjustmentDoc, CountDoc, StockLine, StockOutcome
from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("company")


def lines():
    """(qty, book, applied) of every line of every document."""
    return fetch_all("SELECT qty, book_qty, applied FROM inventory_stockdocumentline ORDER BY document_id, line_no")


def adjusted(*stock_lines, number="1", node="sh", **more):
    doc = AdjustmentDoc("test", number, node, NOW, stock_lines, **more)
    return adjust([doc], actor=ACTOR, now=NOW)[0]


def test_an_adjustment_changes_the_book_by_what_it_says():
    first = adjusted(StockLine("A", 5, name="Tea"), StockLine("B", 2), reason="found")
    second = adjusted(StockLine("A", -2, note="broken"), number="2")

    assert (first.state, first.short, second.state, second.short) == ("accepted", 0, "accepted", 0)
    assert (levels("A"), pool("A"), levels("B")) == ({"sh": (3, 0)}, (3, 0, 0), {"sh": (2, 0)})
    assert movements() == [
        ("adjusted", "sh", 5, 0, 0),
        ("adjusted", "sh", 2, 0, 0),
        ("adjusted", "sh", -2, 0, 0),
    ]
    causes = fetch_all("SELECT actor, reason, cause_type, cause_id, occurred_at FROM inventory_movement ORDER BY id")
    assert causes[0] == (
        ACTOR, "found", "stock_document", first.document_id, NOW,
    )  # fmt: skip
    assert fetch_all("SELECT name FROM catalog_sku ORDER BY code") == [("Tea",), ("",)]
    assert [payload["gained"] for _, payload in events("stock.changed")] == [True, True, False]


def test_an_adjustment_below_zero_books_what_is_there_and_keeps_the_difference():
    put("sh", A=3)

    outcome = adjusted(StockLine("A", -5))

    assert (outcome.state, outcome.short) == ("accepted", 2)
    assert (levels("A"), pool("A")) == ({"sh": (0, 0)}, (0, 0, 0))
    assert lines()[-1] == (-5, 3, -3)
    assert movements()[-1] == ("adjusted", "sh", -3, 0, 0)


def test_an_adjustment_of_nothing_that_is_there_moves_nothing():
    outcome = adjusted(StockLine("A", -5))

    assert (outcome.state, outcome.short) == ("accepted", 5)
    assert (lines(), movements(), levels("A"), events("stock.changed")) == ([(-5, 0, 0)], [], {}, [])


def test_an_adjustment_takes_nothing_that_is_allocated_or_promised():
    # given five units: two allocated, one promised
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    take(paid("2", goods("A", 1)))
    assert pool("A") == (5, 2, 1)

    outcome = adjusted(StockLine("A", -5))

    assert (outcome.short, levels("A"), pool("A")) == (3, {"sh": (3, 2)}, (3, 2, 1))
    assert reconcile().differences == []


def test_a_count_replaces_the_book_and_books_the_difference():
    put("sh", A=5, B=5, C=5)

    outcome = recount("sh", "c1", A=7, B=5, C=1, D=4)

    assert (outcome.state, outcome.short) == ("accepted", 0)
    assert [levels(code)["sh"] for code in "ABCD"] == [(7, 0), (5, 0), (1, 0), (4, 0)]
    assert movements()[3:] == [
        ("counted", "sh", 2, 0, 0),
        ("counted", "sh", -4, 0, 0),
        ("counted", "sh", 4, 0, 0),
    ]
    assert lines()[3:] == [(7, 5, 2), (5, 5, 0), (1, 5, -4), (4, 0, 4)]


def test_a_count_never_goes_below_what_is_allocated():
    put("sh", A=5)
    take(paid("1", goods("A", 4)))
    route_all()

    outcome = recount("sh", "c1", A=1)

    assert (outcome.state, outcome.short) == ("accepted", 3)
    assert (levels("A"), pool("A")) == ({"sh": (4, 4)}, (4, 4, 0))
    assert lines()[-1] == (1, 5, -1)


def test_a_count_of_zero_of_something_unknown_books_nothing():
    recount("sh", "c1", A=0)

    assert (lines(), movements(), levels("A"), pool("A")) == ([(0, 0, 0)], [], {}, (0, 0, 0))


def test_what_is_not_saleable_is_in_no_pool():
    adjusted(StockLine("A", 5), StockLine("A", 3, "damaged"))
    adjusted(StockLine("A", -9, "damaged"), number="2")

    assert pool("A") == (5, 0, 0)
    assert fetch_all("SELECT bucket, on_hand FROM inventory_level ORDER BY 1") == [("damaged", 0), ("saleable", 5)]
    assert lines() == [(5, 0, 5), (3, 0, 3), (-9, 3, -3)]
    assert len(events("stock.changed")) == 1


def test_the_same_goods_twice_in_one_document_move_once():
    adjusted(StockLine("A", 5), StockLine("A", -2), StockLine("A", 1))

    assert lines() == [(5, 0, 5), (-2, 5, -2), (1, 3, 1)]
    assert (movements(), levels("A")) == ([("adjusted", "sh", 4, 0, 0)], {"sh": (4, 0)})


def test_documents_of_one_batch_see_each_other():
    docs = [
        AdjustmentDoc("test", "1", "sh", NOW, [StockLine("A", 5)]),
        AdjustmentDoc("test", "2", "sh", NOW, [StockLine("A", -7)]),
        AdjustmentDoc("test", "3", "hz", NOW, [StockLine("A", 2)]),
    ]

    outcomes = adjust(docs, actor=ACTOR, now=NOW)

    assert [outcome.short for outcome in outcomes] == [0, 2, 0]
    assert levels("A") == {"hz": (2, 0), "sh": (0, 0)}


def test_the_same_document_again_changes_nothing():
    first = adjusted(StockLine("A", 5), StockLine("B", 1))
    before = contents()

    again = adjusted(StockLine("A", 5), StockLine("B", 1))

    assert again == StockOutcome("unchanged", first.document_id)
    assert contents() == before


def test_the_same_document_twice_in_one_batch_is_booked_once():
    doc = AdjustmentDoc("test", "1", "sh", NOW, [StockLine("A", 5)])

    first, second = adjust([doc, doc], actor=ACTOR, now=NOW)

    assert (first.state, second) == ("accepted", StockOutcome("unchanged", first.document_id))
    assert levels("A") == {"sh": (5, 0)}


@pytest.mark.parametrize(
    "_case, other",
    [
        ("another quantity", [StockLine("A", 6)]),
        ("another SKU", [StockLine("B", 5)]),
        ("another bucket", [StockLine("A", 5, "damaged")]),
        ("one line more", [StockLine("A", 5), StockLine("B", 1)]),
        ("no line", []),
    ],
)
def test_another_document_with_the_same_number_is_refused_and_says_so(_case, other):
    first = adjusted(StockLine("A", 5))
    before = contents()

    outcome = adjusted(*other)

    assert (outcome.state, outcome.code, outcome.document_id) == ("refused", "stock.conflict", first.document_id)
    assert "booked with other lines at node sh" in outcome.reason
    assert contents() == before


def test_a_count_with_the_number_of_an_adjustment_is_refused():
    adjusted(StockLine("A", 5))
    before = contents()

    (outcome,) = count([CountDoc("test", "1", "sh", NOW, [StockLine("A", 5)])], actor=ACTOR, now=NOW)

    assert (outcome.state, outcome.code) == ("refused", "stock.conflict")
    assert contents() == before


def test_the_same_number_at_another_node_or_from_another_source_is_another_document():
    docs = [
        AdjustmentDoc("test", "1", "sh", NOW, [StockLine("A", 1)]),
        AdjustmentDoc("test", "1", "hz", NOW, [StockLine("A", 1)]),
        AdjustmentDoc("erp", "1", "sh", NOW, [StockLine("A", 1)]),
    ]

    assert [outcome.state for outcome in adjust(docs, actor=ACTOR, now=NOW)] == ["accepted"] * 3
    assert levels("A") == {"hz": (1, 0), "sh": (2, 0)}


GOOD = [StockLine("A", 1)]


@pytest.mark.parametrize(
    "code, doc",
    [
        ("node.unknown", AdjustmentDoc("test", "x", "?", NOW, GOOD)),
        ("node.unknown", AdjustmentDoc("test", "x", "", NOW, GOOD)),
        ("node.untracked", AdjustmentDoc("test", "x", "sup", NOW, GOOD)),
        ("stock.bucket", AdjustmentDoc("test", "x", "sh", NOW, [StockLine("A", 1, "new")])),
        ("stock.sku", AdjustmentDoc("test", "x", "sh", NOW, [StockLine("", 1)])),
        ("stock.sku", AdjustmentDoc("test", "x", "sh", NOW, [StockLine("A" * 121, 1)])),
        ("stock.qty", AdjustmentDoc("test", "x", "sh", NOW, [StockLine("A", MAX_QTY + 1)])),
        ("stock.number", AdjustmentDoc("test", "", "sh", NOW, GOOD)),
        ("stock.number", AdjustmentDoc("test", "x" * 121, "sh", NOW, GOOD)),
        ("stock.number", AdjustmentDoc("t" * 61, "x", "sh", NOW, GOOD)),
        ("stock.time", AdjustmentDoc("test", "x", "sh", datetime(2026, 11, 18, 8, 0), GOOD)),
        ("stock.time", AdjustmentDoc("test", "x", "sh", NOW + timedelta(days=2), GOOD)),
        ("stock.text", AdjustmentDoc("test", "x", "sh", NOW, [StockLine("A", 1, name="a\x00b")])),
        ("stock.text", AdjustmentDoc("test", "x", "sh", NOW, [StockLine("A\ud800", 1)])),
        ("stock.text", AdjustmentDoc("test", "x\x00", "sh", NOW, GOOD)),
        ("stock.text", AdjustmentDoc("test", "x", "sh\x00", NOW, GOOD)),
        ("stock.text", AdjustmentDoc("test", "x", "sh", NOW, GOOD, reason="\udfff")),
    ],
)
def test_a_bad_document_is_refused_alone_and_the_others_go_in(code, doc):
    good = AdjustmentDoc("test", "good", "sh", NOW, [StockLine("G", 2)])

    outcomes = adjust([doc, good], actor=ACTOR, now=NOW)

    assert [outcome.state for outcome in outcomes] == ["refused", "accepted"]
    assert outcomes[0].code == code
    assert outcomes[0].reason.endswith(".")
    assert fetch_all("SELECT code FROM catalog_sku") == [("G",)]
    assert row_counts()["inventory_stockdocument"] == 1


def test_a_negative_count_is_refused():
    (outcome,) = count([CountDoc("test", "c", "sh", NOW, [StockLine("A", -1)])], actor=ACTOR, now=NOW)

    assert (outcome.state, outcome.code) == ("refused", "stock.qty")
    assert "inventory_stockdocument" not in row_counts()


def test_many_documents_take_as_many_statements_as_one():
    counts = []
    for size in (1, 10, 200):
        docs = [
            AdjustmentDoc("test", f"{size}-{number}", "sh", NOW, [StockLine(f"S{size}-{number}", 5)])
            for number in range(size)
        ]
        with statements() as fresh:
            adjust(docs, actor=ACTOR, now=NOW)
        with statements() as again:
            adjust(docs, actor=ACTOR, now=NOW)
        counts.append((len(fresh), len(again)))

    assert len(set(counts)) == 1, counts
    assert counts[0][0] <= 18


def test_a_movement_cannot_be_changed_or_deleted():
    put("sh", A=5)
    for statement in ("UPDATE inventory_movement SET on_hand_delta = 6", "DELETE FROM inventory_movement"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            execute(statement)

    assert movements() == [("adjusted", "sh", 5, 0, 0)]


def test_a_count_locks_only_what_is_not_as_counted(monkeypatch):
    put("sh", A=3, B=4)
    put("hz", A=1)
    locked = []
    real = documents.lock_pools
    monkeypatch.setattr(documents, "lock_pools", lambda sku_ids: locked.append(set(sku_ids)) or real(sku_ids))

    recount("sh", "same", A=3, B=4)
    recount("sh", "one differs", A=3, B=5)
    recount("sh", "one is new", A=3, B=5, C=0)

    ids = dict(fetch_all("SELECT code, id FROM catalog_sku"))
    assert locked == [set(), {ids["B"]}, {ids["C"]}]
    assert lines()[-7:] == [(3, 3, 0), (4, 4, 0), (3, 3, 0), (5, 4, 1), (3, 3, 0), (5, 5, 0), (0, 0, 0)]
    assert (pool("A"), pool("B"), pool("C")) == ((4, 0, 0), (5, 0, 0), (0, 0, 0))


def test_a_count_goes_by_the_book_that_it_finds_under_the_lock(monkeypatch):
    put("sh", A=3)
    real = documents.lock_pools

    def lock_late(sku_ids):
        monkeypatch.setattr(documents, "lock_pools", real)
        put("sh", "meanwhile", A=4)
        return real(sku_ids)

    monkeypatch.setattr(documents, "lock_pools", lock_late)
    recount("sh", "count", A=5)

    # the document of the count was opened before the one that came in between
    assert lines() == [(3, 0, 3), (5, 7, -2), (4, 3, 4)]
    assert (levels("A"), pool("A")) == ({"sh": (5, 0)}, (5, 0, 0))
    assert not reconcile().differences
