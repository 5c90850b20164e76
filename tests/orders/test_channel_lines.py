"""What a newer copy does to stored lines: a pure decision, as a table."""

import pytest
from tests.support.company import charge, goods

from tongpan.orders.channel_lines import KeptLine, plan_lines, refusal_of_lines

KEPT = [
    KeptLine(1, 1, "k1", "goods", "A", 10, 2, 200),
    KeptLine(2, 2, "k2", "goods", "A", 10, 1, 100),
    KeptLine(3, 3, "", "goods", "B", 20, 1, 300, has_left=True),
    KeptLine(4, 4, "", "charge", "POST", None, 1, 12),
]
A1, A2 = goods("A", 2, 200, line_key="k1"), goods("A", 1, 100, line_key="k2")
B, POST = goods("B", 1, 300), charge("POST", 12)


@pytest.mark.parametrize(
    "_case, lines, changed, added",
    [
        ("the same in another order", [POST, B, A2, A1], {}, []),
        ("the same without keys", [goods("A", 1, 100), goods("A", 2, 200), B, POST], {}, []),
        ("a lower price, found by its key", [A1, goods("A", 1, 90, line_key="k2"), B, POST], {2: (1, 90)}, []),
        ("a lower price, found by its goods", [A1, A2, goods("B", 1, 250), POST], {3: (1, 250)}, []),
        ("a line is gone", [A1, B, POST], {2: (0, 0)}, []),
        ("fewer units", [goods("A", 1, 100, line_key="k1"), A2, B, POST], {1: (1, 100)}, []),
        ("postage waived", [A1, A2, B], {4: (0, 0)}, []),
        ("other goods under the same key", [goods("C", 2, 200, line_key="k1"), A2, B, POST], {1: (0, 0)}, [0]),
        ("one more", [A1, A2, B, POST, goods("C")], {}, [4]),
        ("twice the same goods", [A1, A2, B, B, POST], {}, [3]),
    ],
)
def test_lines_are_matched(_case, lines, changed, added):
    plan = plan_lines(KEPT, lines)

    assert {c.line.id: (c.qty, c.amount_minor) for c in plan.changed} == changed
    assert list(plan.added) == added


def test_a_line_that_was_taken_out_stays_out_and_comes_back_as_a_new_one():
    kept = [KEPT[0]._replace(qty=0, amount_minor=0), KEPT[2]]

    assert plan_lines(kept, [B]).changed == []
    assert plan_lines(kept, [A1, B]).added == [0]


@pytest.mark.parametrize(
    "_case, lines, status, more, code",
    [
        ("a lower price before dispatch", [A1, A2, goods("B", 1, 250), POST], "paid", {}, ""),
        ("a lower price after dispatch", [A1, A2, goods("B", 1, 250), POST], "dispatched", {}, "lines_taken_away"),
        ("a line gone", [A1, B, POST], "paid", {}, ""),
        ("a line gone from a file", [A1, B, POST], "paid", {"has_all_lines": False}, "lines_taken_away"),
        ("fewer units in a file", [A1._replace(qty=1), A2, B], "paid", {"has_all_lines": False}, "lines_taken_away"),
        ("a line gone of which units have left", [A1, A2, POST], "paid", {}, "lines_taken_away"),
        ("another price of what has left", [A1, A2, goods("B", 1, 1), POST], "paid", {}, ""),
        ("more units", [goods("A", 3, 200, line_key="k1"), A2, B, POST], "paid", {}, "quantity_raised"),
        ("no goods at all", [POST], "placed", {"has_goods": False}, "lines_taken_away"),
        ("only new lines, after dispatch", [A1, A2, B, POST, goods("C")], "completed", {}, ""),
    ],
)
def test_what_would_be_wrong_is_refused_in_a_sentence(_case, lines, status, more, code):
    how = {"has_goods": True, "has_all_lines": True} | more
    problem = refusal_of_lines(plan_lines(KEPT, lines), status, "T1", **how)

    assert (problem[0] if problem else "") == (f"order.{code}" if code else "")
    if problem:
        assert problem[1].startswith("Order T1 ") and problem[1].endswith(".")
