"""Several people count and approve at the same moment, in real processes."""

import pytest
from tests.support.company import NOW, levels, movements, put
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.inventory.actions import approve_count, enter_counts, open_counts, submit_count
from tongpan.inventory.engine.counting import Found, SheetDoc
from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("live_company")


def test_four_people_fill_one_sheet_and_two_approve_it():
    put("sh", A=40, B=40)
    put("hz", NEW=1)
    sheet_id = open_counts([SheetDoc("t", "1", "sh", "full")], actor="user:a", now=NOW)[0].sheet_id

    def enter(who):
        for n in range(5):
            some = [Found(code, 1, is_more=True, key=f"{who}-{n}") for code in ("B", "NEW", "A")]
            enter_counts(sheet_id, some, actor=f"user:{who}", now=NOW)
        return 0

    run_together([lambda who=who: enter(who) for who in "abcd"])
    assert fetch_all("SELECT counted FROM inventory_countline ORDER BY line_no") == [(20,)] * 3

    handed = run_together([lambda: submit_count(sheet_id, reason="x", actor="user:a", now=NOW).state] * 3)
    approved = run_together(
        [lambda n=n: approve_count(sheet_id, actor=f"user:boss{n}", now=NOW).state for n in range(4)]
    )

    assert sorted(handed) == ["accepted", "unchanged", "unchanged"]
    assert sorted(approved) == ["accepted", "unchanged", "unchanged", "unchanged"]
    assert (levels("A"), levels("NEW")) == ({"sh": (20, 0)}, {"hz": (1, 0), "sh": (20, 0)})
    assert len([m for m in movements("A") if m[0] == "counted"]) == 1
    assert reconcile().differences == []
