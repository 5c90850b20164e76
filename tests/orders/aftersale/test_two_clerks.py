"""Two people at once: one wins, the other is told why, and nothing is done twice."""

from __future__ import annotations

from functools import partial

import pytest
from tests.support.aftersale import BY, ask, booked, delivered, line, refund_ids, refunds, stock
from tests.support.company import goods
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.orders.aftersale.actions import approve, inspect, pay_refunds, receive
from tongpan.orders.aftersale.specs import Found

pytestmark = [pytest.mark.usefixtures("live_company")]


def _ask(order_id: int) -> str:
    return ask(order_id, line(qty=2)).code


def _receive(case_id: int) -> str:
    return receive([case_id], "sh", **BY)[0].state


def _inspect(case_id: int) -> str:
    return inspect(case_id, [Found(1, "saleable", 2)], **BY).state


def _pay(refund_id: int) -> str:
    return pay_refunds([refund_id], "x", **BY)[0].state


def test_of_two_clerks_one_wins_at_every_step() -> None:
    order_id = delivered("T1", goods("A", 3, 90_000))

    asked = run_together([partial(_ask, order_id)] * 2)
    assert sorted(asked) == ["", "return.too_many"]

    (case_id,) = [row[0] for row in fetch_all("SELECT id FROM orders_returncase")]
    approve([case_id], **BY)
    assert sorted(run_together([partial(_receive, case_id)] * 2)) == ["done", "unchanged"]
    assert stock("A") == {("sh", "inspection"): 2}

    assert sorted(run_together([partial(_inspect, case_id)] * 2)) == ["done", "unchanged"]
    assert (stock("A"), len(booked()), [row[-1] for row in refunds()]) == ({("sh", "saleable"): 2}, 1, [60_000])

    assert sorted(run_together([partial(_pay, refund_ids()[0])] * 2)) == ["done", "unchanged"]
    assert fetch_all("SELECT refunded_minor FROM orders_refundlimit") == [(60_000,)]
