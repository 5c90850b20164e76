"""Data quality: which orders differ from the channel's copy, which customers agree, what was refused, who is behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.company import DAY, NOW, goods, order, paid, put, shipped
from tests.support.database import contents
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.connectors.actions import import_path
from tongpan.connectors.inbound.actions import SourceSpec, save_source
from tongpan.connectors.inbound.models import InboundMessage
from tongpan.connectors.quality import channel_lags, customer_agreement, disagreements, flows, mismatches
from tongpan.core.stored import store
from tongpan.orders.engine import BuyerDoc, PaymentDoc, ShipTo
from tongpan.orders.models import Order
from tongpan.runtime.quality import TARGET_SETTING, history, latest, remember, report

SINCE = NOW - 30 * DAY
HANGZHOU, SHANGHAI = ShipTo("浙江省", "杭州市"), ShipTo("上海市", "上海市")


def test_orders_as_the_channel_told_them_do_not_differ(company: None) -> None:
    put("sh", A=10)
    take(paid("T-1"), paid("T-2", payments=[PaymentDoc(1, "alipay", 1000)], paid_minor=1000))
    route_all()

    assert [(one.channel, one.number, one.base) for one in disagreements(SINCE)] == [("tmall", 0, 2)]
    assert mismatches(SINCE) == []


def test_each_way_to_differ_is_named(company: None) -> None:
    take(
        order("unknown", channel_status="WAIT_FOR_GODOT", is_status_known=False),
        paid("short", payments=[PaymentDoc(1, "alipay", 900)], paid_minor=1000),
        shipped("unbooked", goods("NEVER-HAD")),
        paid("edited"),
        paid("old", placed_at=NOW - 40 * DAY, paid_at=NOW - 40 * DAY, is_status_known=False),
        paid("fine", shop_code="mall"),
    )
    route_all("unbooked")
    Order.objects.filter(external_id="edited").update(local_fields=["address"])
    source = save_source(SourceSpec("std", "standard", "mall"), actor="test", now=NOW)
    told = {"source": source, "topic": "order.created", "body_sealed": b"", "received_at": NOW - DAY}
    fine = Order.objects.get(external_id="fine").pk
    InboundMessage.objects.create(
        **told, message_id="e1", state="failed", outcome="refused", reason="older lines", document_id=fine
    )
    InboundMessage.objects.create(**told, message_id="e2", state="failed", reason="no currency")
    InboundMessage.objects.create(**told, message_id="e3", state="ignored")

    assert {row.number: row.reasons for row in mismatches(SINCE)} == {
        "e2": ("not_taken",),
        "unknown": ("status_unknown",),
        "short": ("paid_differs",),
        "unbooked": ("unbooked",),
        "edited": ("changed_here",),
        "fine": ("copy_refused",),
    }
    assert [(one.channel, one.number, one.base) for one in disagreements(SINCE)] == [("own", 2, 2), ("tmall", 4, 4)]
    assert mismatches(SINCE, limit=1)[0].number == "e2"
    assert [(f.channel, f.kind, f.seen, f.rejected) for f in flows(SINCE)] == [("own", "webhook", 2, 2)]


def test_customers_agree_when_their_place_is_the_same_on_every_channel(company: None) -> None:
    def bought(number: str, who: str, shop: str, to: ShipTo, days: int = 1) -> None:
        buyer = BuyerDoc("customer", "company", who)
        take(
            paid(number, shop_code=shop, buyer=buyer, ship_to=to, placed_at=NOW - days * DAY, paid_at=NOW - days * DAY)
        )

    bought("1", "same", "tm", HANGZHOU, 2)
    bought("2", "same", "mall", HANGZHOU)
    bought("3", "moved", "tm", HANGZHOU, 2)
    bought("4", "moved", "mall", SHANGHAI)
    bought("5", "settled", "tm", SHANGHAI, 5)
    bought("6", "settled", "tm", HANGZHOU, 3)
    bought("7", "settled", "mall", HANGZHOU)
    bought("8", "two-shops-of-one-channel", "tm", HANGZHOU)
    bought("9", "two-shops-of-one-channel", "tm2", SHANGHAI)
    bought("10", "silent", "tm", ShipTo())
    bought("11", "silent", "mall", SHANGHAI)

    total, channels = customer_agreement(SINCE)

    assert (total.number, total.base) == (2, 3)
    assert [(one.channel, one.number, one.base) for one in channels] == [("own", 3, 3), ("tmall", 2, 3)]


def test_rows_of_files_are_counted_by_channel_and_format(company: None, tmp_path: Path) -> None:
    put("sh", A=10)
    take(paid("T-1"))
    route_all()
    path = tmp_path / "p.csv"
    path.write_text(
        "order,carrier,tracking_number,shipped_at\nT-1,sf,1,2026-11-18 10:00:00\nT-9,sf,2,2026-11-18 10:00:00\n"
    )
    for dry in (True, False):
        import_path(path, shop_code="tm", is_dry_run=dry, actor="test", now=NOW)

    [flow] = flows(SINCE)
    assert (flow.channel, flow.kind, flow.seen, flow.rejected, flow.last_at) == ("tmall", "file: parcels", 2, 1, NOW)
    assert flows(NOW + DAY) == []


def test_how_long_ago_a_channel_was_heard_of(company: None) -> None:
    take(paid("T-1"), paid("T-2", placed_at=NOW - 3 * DAY, paid_at=NOW - 3 * DAY))
    Order.objects.filter(external_id="T-1").update(recorded_at=NOW - DAY + timedelta(seconds=60))
    Order.objects.filter(external_id="T-2").update(recorded_at=NOW - 3 * DAY + timedelta(seconds=20))

    lags = {one.channel: one for one in channel_lags(SINCE)}

    assert lags["tmall"].last_placed_at == NOW - DAY
    assert lags["tmall"].median_delay_seconds == pytest.approx(40)
    assert (lags["own"].last_placed_at, lags["own"].median_delay_seconds) == (None, None)


def test_the_report_says_number_base_target_and_whether_it_is_met(company: None) -> None:
    take(*[paid(f"T-{n}") for n in range(19)], paid("T-19", is_status_known=False))

    made = report(NOW)

    rate = made["data_sync_error_rate"]
    assert (rate["kpi"], rate["number"], rate["base"], rate["rate"], rate["target"]) == ("KPI-55", 1, 20, 0.05, 0.05)
    assert rate["is_met"] is True
    assert made["customer_sync_rate"]["rate"] is None
    assert made["customer_sync_rate"]["is_met"] is None
    assert made["computed_at"] == NOW.isoformat()
    assert {row["reader"] for row in made["reader_lag"]} >= {"routing", "webhooks"}
    store(TARGET_SETTING, {"data_sync_error_rate": 0.01})
    assert report(NOW)["data_sync_error_rate"]["is_met"] is False


def test_the_report_is_kept_and_of_each_day_the_last_figures(company: None) -> None:
    take(paid("T-1"))
    assert latest(NOW)["data_sync_error_rate"]["base"] == 1
    remember(NOW - DAY)
    take(paid("T-2", is_status_known=False))
    remember(NOW)
    remember(NOW)
    take(paid("T-3"))

    assert latest(NOW)["data_sync_error_rate"]["base"] == 2
    assert [(day, errors) for day, errors, _ in history()] == [("2026-11-17", 0.0), ("2026-11-18", 0.5)]


def test_reading_the_report_changes_nothing(company: None) -> None:
    take(paid("T-1"))
    before = contents()

    report(NOW)

    assert contents() == before
