"""The lake follows the event log: each change once, with the cursor, in one transaction."""

import pytest
from tests.support.company import DAY, NOW, charge, order, paid, put, return_of
from tests.support.lake import lake, partitions
from tests.support.reading import read_once

from tongpan.analytics.lake import writer
from tongpan.analytics.readers import LAKE, touched_days
from tongpan.core.bulk import fetch_all
from tongpan.core.eventlog import Event, lag
from tongpan.fulfillment.readers import ROUTING
from tongpan.orders.actions import accept, accept_corrections, accept_returns
from tongpan.orders.engine import CorrectionDoc


def follow():
    while read_once(LAKE):
        pass


def event(name, **payload):
    return Event(1, 1, name, "1", payload, NOW)


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("order.accepted", {"orders", "order_lines", "fulfillments", "return_cases"}),
        ("order.changed", {"orders", "order_lines", "fulfillments", "return_cases"}),
        ("order.routed", {"orders", "order_lines", "fulfillments", "return_cases"}),
        ("fulfillment.dispatched", {"orders", "order_lines", "fulfillments", "return_cases"}),
        ("return.received", {"returns", "return_lines"}),
        ("correction.booked", {"corrections"}),
        ("channel_day.changed", {"channel_days"}),
        ("fulfillment.ready", {"orders", "order_lines", "fulfillments", "return_cases"}),
        ("aftersale.requested", {"orders", "order_lines", "fulfillments", "return_cases"}),
        ("stock.changed", {"stock_moves"}),
        ("count.booked", {"count_lines"}),
        ("daily_value.changed", {"daily_values"}),
    ],
)
def test_every_event_names_the_facts_that_it_changes(name, tables):
    touched = touched_days(
        [event(name, day="2026-11-18"), event(name, day="2026-11-17"), event(name, day="2026-11-18")]
    )

    assert set(touched) == tables
    assert {str(day) for days in touched.values() for day in days} == {"2026-11-17", "2026-11-18"}
    assert name in LAKE.follows


def test_a_document_that_moved_touches_the_day_it_left():
    touched = touched_days([event("order.changed", day="2026-11-18", previous_day="2026-11-11")])

    assert {str(day) for day in touched["orders"]} == {"2026-11-11", "2026-11-18"}


def test_what_is_taken_in_appears_in_the_lake(live_company):
    put("sh", A=5)
    accept([paid("1"), order("2", placed_at=NOW - 2 * DAY)], actor="test", now=NOW)
    accept_returns([return_of("R1")], actor="test", now=NOW)
    accept_corrections([CorrectionDoc("tm", "A1", NOW, "CNY", [charge("B", -5)])], actor="test", now=NOW)

    follow()
    assert lake("external_id, status", "orders", "ORDER BY 1") == [("1", "paid"), ("2", "placed")]
    assert lake("count(*)", "returns") == lake("count(*)", "corrections") == [(1,)]
    assert lag(LAKE) == 0

    while read_once(ROUTING):
        pass
    follow()
    assert lake("units", "fulfillments") == [(1,)]


def test_a_failed_pass_moves_neither_the_cursor_nor_the_lake(live_company, monkeypatch):
    accept([order("1")], actor="test", now=NOW)

    def fail(files, now):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(writer.manifest, "swap", fail)
        with pytest.raises(RuntimeError, match="disk is full"):
            read_once(LAKE)

    assert partitions("orders") == {}
    assert fetch_all("SELECT coalesce(sum(events_read), 0) FROM core_cursor") == [(0,)]
    follow()
    assert lake("external_id", "orders") == [("1",)]


def test_many_events_of_one_day_write_its_partition_once(live_company):
    accept([order(str(n)) for n in range(20)], actor="test", now=NOW)

    follow()

    assert fetch_all(
        """SELECT "table", count(*) FROM analytics_lakefile WHERE partition <> 'all' GROUP BY 1 ORDER BY 1"""
    ) == [
        ("order_lines", 1),
        ("orders", 1),
    ]
