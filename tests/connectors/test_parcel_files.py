"""Parcels and tracking events by file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.company import NOW, paid, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.connectors.actions import detect, import_path
from tongpan.fulfillment.models import Shipment, TrackingEvent
from tongpan.orders.models import Order


@pytest.fixture(autouse=True)
def _allocated(company: None) -> None:
    put("sh", A=10)
    take(paid("T-1"), paid("T-2"))
    route_all()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def take_file(path: Path, **more: str) -> dict:
    return import_path(path, actor="test", now=NOW, **more)


def test_parcels_of_a_warehouse(tmp_path: Path) -> None:
    path = write(
        tmp_path / "shipped.csv",
        "订单号,店铺,快递公司,运单号,发货时间\n"
        "T-1,tm,sf,SF001,2026-11-18 10:00:00\n"
        "T-2,tm,sf,000123456789012345678,2026-11-18 11:00:00\n"
        "T-9,tm,sf,SF003,2026-11-18 11:00:00\n",
    )
    assert detect(path).format == "parcels"

    result = take_file(path)

    assert (result["accepted"], result["rejected"]) == (2, 1)
    assert set(Shipment.objects.values_list("tracking_number", flat=True)) == {"SF001", "000123456789012345678"}
    assert set(Order.objects.values_list("status", flat=True)) == {"dispatched"}
    assert "nothing to ship for order T-9" in Path(result["errors_file"]).read_text(encoding="utf-8-sig")
    again = take_file(path)
    assert (again["accepted"], again["unchanged"], again["rejected"]) == (0, 2, 1)


def test_rows_that_name_no_shop_belong_to_the_shop_of_the_import(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "order,carrier,tracking_number,shipped_at\nT-1,sf,SF1,2026-11-18T02:00:00Z\n")

    assert take_file(path, format_name="parcels", shop_code="tm")["accepted"] == 1


def test_tracking_events_of_a_carrier(tmp_path: Path) -> None:
    take_file(
        write(
            tmp_path / "shipped.csv",
            "order,shop,carrier,tracking_number,shipped_at\nT-1,tm,sf,SF001,2026-11-17T10:00:00+08:00\n",
        )
    )
    path = write(
        tmp_path / "tracking.csv",
        "carrier,tracking_number,kind,at,place,text\n"
        "sf,SF001,delivered,2026-11-18T10:00:00+08:00,上海,已签收\n"
        "sf,SF001,collected,2026-11-17T12:00:00+08:00,杭州,\n"
        "sf,SF001,eaten,2026-11-17T12:00:00+08:00,,\n"
        "sf,SF404,delivered,2026-11-17T12:00:00+08:00,,\n",
    )
    assert detect(path).format == "tracking"

    result = take_file(path)

    assert (result["accepted"], result["rejected"]) == (2, 2)
    order = Order.objects.get(external_id="T-1")
    assert (order.status, order.delivered_at) == ("delivered", NOW - timedelta(hours=6))
    assert TrackingEvent.objects.get(kind="delivered").place == "上海"
    assert take_file(path)["unchanged"] == 2


def test_a_trial_run_changes_nothing(tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.csv", "order,shop,carrier,tracking_number,shipped_at\nT-1,tm,sf,SF1,2026-11-18 10:00:00\n"
    )

    assert import_path(path, is_dry_run=True, actor="test", now=NOW)["accepted"] == 1
    assert not Shipment.objects.exists()
