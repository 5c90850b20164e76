"""Acceptance case "Bulk": 20,000 levels from one file, one movement for each changed row."""

import time

import pytest
from tests.support.company import ACTOR, NOW
from tests.support.database import statements

from tongpan.core.bulk import fetch_all
from tongpan.inventory.actions import count
from tongpan.inventory.engine import CountDoc, StockLine
from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("company")
ROWS = 20_000


def counted(number, qty_of):
    return CountDoc("wms", number, "sh", NOW, [StockLine(f"S{n:05}", qty_of(n)) for n in range(ROWS)])


def test_twenty_thousand_levels_in_one_count():
    # given a first count of all, and a second in which one row in ten differs
    count([counted("first", lambda n: n % 7 + 1)], actor=ACTOR, now=NOW)
    assert fetch_all("SELECT count(*) FROM inventory_movement") == [(ROWS,)]

    began = time.perf_counter()
    with statements() as sent:
        (outcome,) = count([counted("second", lambda n: n % 7 + 1 + (n % 10 == 0))], actor=ACTOR, now=NOW)
    print(f"{ROWS} levels counted again in {time.perf_counter() - began:.2f} s, {len(sent)} statements")  # noqa: T201

    # then only what changed moved
    assert (outcome.state, outcome.short) == ("accepted", 0)
    assert fetch_all(
        "SELECT count(*), sum(on_hand_delta) FROM inventory_movement WHERE cause_id = %s", [outcome.document_id]
    ) == [(ROWS // 10, ROWS // 10)]
    assert fetch_all("SELECT count(*) FROM inventory_stockdocumentline") == [(2 * ROWS,)]
    assert fetch_all("SELECT count(*) FROM inventory_level") == [(ROWS,)]
    assert len(sent) <= 18
    assert reconcile().differences == []

    # and the same count again is known
    assert count([counted("second", lambda n: n % 7 + 1 + (n % 10 == 0))], actor=ACTOR, now=NOW)[0].state == "unchanged"
    assert fetch_all("SELECT count(*) FROM inventory_movement") == [(ROWS + ROWS // 10,)]
