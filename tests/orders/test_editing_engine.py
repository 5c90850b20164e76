"""What edits and splits make of lines: exact money, and sentences for what makes no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.core.errors import Refusal
from tongpan.orders.editing import Edit, LineAdded, LineEdit, StoredLine, plan_edit, plan_split, pro_rata

LINES = [
    StoredLine(11, 1, "goods", 3, 1000, shares=((7, 100),)),
    StoredLine(12, 2, "goods", 1, 500),
    StoredLine(13, 3, "charge", 1, 800),
]


def edited(*lines, added=()):
    return [(p.line.line_no, p.qty, p.amount_minor, dict(p.shares)) for p in plan_edit(LINES, Edit(lines, added))]


def test_a_smaller_quantity_costs_its_share_unless_an_amount_is_given():
    assert edited(LineEdit(1, 2)) == [(1, 2, 667, {7: 67})]
    assert edited(LineEdit(1, 2, 600)) == [(1, 2, 600, {7: 67})]


def test_a_larger_quantity_costs_more_in_proportion():
    assert edited(LineEdit(1, 6)) == [(1, 6, 2000, {7: 200})]
    assert edited(LineEdit(1, 4)) == [(1, 4, 1333, {7: 133})]


def test_a_line_that_is_taken_out_costs_nothing():
    assert edited(LineEdit(2, 0)) == [(2, 0, 0, {})]
    assert edited(LineEdit(1, 0), LineEdit(2, 1, 450)) == [(1, 0, 0, {7: 0}), (2, 1, 450, {})]


@pytest.mark.parametrize(
    ("lines", "added", "code"),
    [
        ([LineEdit(9, 1)], [], "edit.line"),
        ([LineEdit(3, 1)], [], "edit.line"),
        ([LineEdit(1, 1), LineEdit(1, 2)], [], "edit.line"),
        ([LineEdit(1, -1)], [], "edit.quantity"),
        ([LineEdit(1, 10**8)], [], "edit.quantity"),
        ([LineEdit(1, 0, 5)], [], "edit.amount"),
        ([LineEdit(1, 1, 10**15)], [], "edit.amount"),
        ([LineEdit(1, 0), LineEdit(2, 0)], [], "edit.nothing_left"),
        ([], [LineAdded("A", 0, 5)], "edit.quantity"),
        ([], [LineAdded("A", 1, -5)], "edit.quantity"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(lines, added, code):
    with pytest.raises(Refusal) as refused:
        plan_edit(LINES, Edit(lines, added))
    assert refused.value.code == code


def test_everything_may_be_exchanged_for_something_else():
    assert len(plan_edit(LINES, Edit([LineEdit(1, 0), LineEdit(2, 0)], [LineAdded("B", 1, 5)]))) == 2


def test_a_split_line_keeps_its_money_to_the_last_unit():
    ((stays, goes),) = plan_split(LINES, [{1: 1}])

    assert (stays.part, stays.qty, stays.amount_minor, dict(stays.shares)) == (1, 2, 667, {7: 67})
    assert (goes.part, goes.qty, goes.amount_minor, dict(goes.shares)) == (2, 1, 333, {7: 33})


def test_a_line_that_moves_whole_stays_one_line():
    assert [[(p.line.line_no, p.part, p.qty) for p in pieces] for pieces in plan_split(LINES, [{2: 1}])] == [
        [(2, 2, 1)]
    ]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "split.parts"),
        ([{}], "split.parts"),
        ([{1: 1}] * 20, "split.parts"),
        ([{3: 1}], "split.line"),
        ([{9: 1}], "split.line"),
        ([{1: 0}], "split.quantity"),
        ([{1: 2}, {1: 2}], "split.quantity"),
        ([{1: 3, 2: 1}], "split.parts"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(parts, code):
    with pytest.raises(Refusal) as refused:
        plan_split(LINES, parts)
    assert refused.value.code == code


@given(
    st.integers(-(10**6), 10**6),
    st.lists(st.integers(1, 50), min_size=1, max_size=5),
    st.integers(1, 50),
    st.integers(0, 10**5),
)
def test_whatever_is_split_the_sums_stay(amount, moved, stays, share):
    line = StoredLine(1, 1, "goods", sum(moved) + stays, amount, shares=((3, share),))

    (pieces,) = plan_split([line], [{1: qty} for qty in moved])

    assert sum(p.amount_minor for p in pieces) == amount
    assert sum(p.qty for p in pieces) == line.qty
    assert sum(p.shares[3] for p in pieces) == share


@given(st.integers(-(10**9), 10**9), st.integers(0, 1000), st.integers(1, 1000))
def test_a_share_is_within_one_unit_of_its_exact_value(amount, qty, of):
    assert abs(pro_rata(amount, qty, of) * of - amount * qty) <= of
