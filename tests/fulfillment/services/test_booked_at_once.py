"""Many who book one slot at once, in processes of their own: it holds as many as it can and no more."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from tests.support.company import ACTOR, NOW
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.services.appointments import BookingSpec, book, save_kinds
from tongpan.fulfillment.services.engine import KindSpec
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable

AT = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)


@pytest.mark.usefixtures("live_company")
def test_a_slot_of_three_takes_three_of_eight_who_book_at_once():
    week = tuple((d, time(10), time(20)) for d in range(7))
    rules = NodeRules(facilities=("appointment",))
    save_nodes([NodeSpec("s1", "store", "Store", rules=rules, hours=Timetable(week))], actor=ACTOR, now=NOW)
    save_kinds([KindSpec("try-on", "Try on", capacity=3)], actor=ACTOR, now=NOW)

    def one():
        spec = BookingSpec("try-on", "s1", AT, name="a", phone="13800000000")
        return [o.code or o.state for _ in range(2) for o in book([spec], actor=ACTOR, now=NOW)]

    said = [word for words in run_together([one] * 4) for word in words]

    assert sorted(said) == ["appointment.full"] * 5 + ["done"] * 3
    assert fetch_all("SELECT capacity, booked FROM fulfillment_appointmentslot") == [(3, 3)]
    assert fetch_all("SELECT count(*) FROM fulfillment_appointment") == [(3,)]
