"""Corrections of the books: each line is booked once, and none is edited."""

from dataclasses import replace
from datetime import date

import pytest
from tests.support.company import ACTOR, DAY, NOW, charge
from tests.support.database import contents, row_counts
from tests.support.following import events
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.orders.actions import accept_corrections
from tongpan.orders.engine import CorrectionDoc

DEBT = CorrectionDoc("tm", "C1", NOW - DAY, "CNY", [charge("BAD DEBT", -500), charge("BAD DEBT", -30)])


def book(*docs):
    return [(o.state, o.code) for o in accept_corrections(docs, actor=ACTOR, now=NOW)]


@pytest.mark.usefixtures("company")
def test_a_correction_is_booked_line_by_line():
    assert book(DEBT) == [("accepted", "")]

    day = date(2026, 11, 17)
    rows = fetch_all("SELECT external_id, line_no, business_date, code, amount_minor FROM orders_correction ORDER BY 2")
    assert rows == [
        ("C1", 1, day, "BAD DEBT", -500),
        ("C1", 2, day, "BAD DEBT", -30),
    ]
    assert events("correction.booked") == [("correction.booked", {"day": "2026-11-17"})]
    assert not {"orders_order", "orders_return", "inventory_movement"} & set(row_counts())


@pytest.mark.usefixtures("company")
def test_a_correction_twice_in_one_batch_is_booked_once():
    assert book(DEBT, DEBT, replace(DEBT, external_id="C2")) == [("accepted", ""), ("unchanged", ""), ("accepted", "")]
    assert row_counts()["orders_correction"] == 4


@pytest.mark.usefixtures("company")
def test_a_later_copy_with_one_line_more_books_that_line():
    book(replace(DEBT, lines=DEBT.lines[:1]))

    assert book(DEBT) == [("accepted", "")]

    assert fetch_all("SELECT line_no, amount_minor FROM orders_correction ORDER BY 1") == [(1, -500), (2, -30)]


@pytest.mark.usefixtures("company")
def test_a_truncated_copy_changes_nothing():
    book(DEBT)
    before = contents()

    assert book(replace(DEBT, lines=DEBT.lines[:1])) == [("unchanged", "")]

    assert contents() == before


@pytest.mark.usefixtures("company")
def test_another_correction_with_the_same_number_is_refused():
    book(DEBT)
    before = contents()

    assert book(replace(DEBT, lines=[charge("BAD DEBT", -999)])) == [("refused", "correction.conflict")]
    assert book(replace(DEBT, lines=[charge("OTHER", -500)])) == [("refused", "correction.conflict")]

    assert contents() == before


@pytest.mark.usefixtures("live_company")
def test_processes_that_book_the_same_corrections_in_other_orders_book_each_once():
    docs = [replace(DEBT, external_id=f"C{number}") for number in range(20)]

    results = run_together([lambda: book(*docs), lambda: book(*reversed(docs)), lambda: book(*docs)])

    states = [state for outcomes in results for state, _ in outcomes]
    assert (states.count("accepted"), states.count("unchanged")) == (20, 40)
    assert row_counts()["orders_correction"] == 40
