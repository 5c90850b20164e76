"""The page of data quality."""

from __future__ import annotations

from tongpan.connectors.models import Import
from tongpan.core.clock import utc_now
from tongpan.orders.models import Order
from tongpan.runtime.quality import history


def test_rates_records_and_delays_are_shown(sign_in, company) -> None:
    Order.objects.filter(external_id="T-1").update(is_status_known=False, placed_at=utc_now())
    Import.objects.create(
        file_name="x", format="parcels", status="done", actor="t", created_at=utc_now(), finished_at=utc_now(),
        result={"rows": 10, "rejected": 3, "shop": "tm"},
    )  # fmt: skip
    page = sign_in("manager").get("/quality/").content.decode()

    assert "KPI-55" in page
    assert "KPI-13" in page
    assert "missed" in page
    assert "The channel&#x27;s status is not known here" in page
    assert f"/orders/{company.orders['T-1']}/" in page
    assert "file: parcels" in page
    assert "webhooks" in page


def test_the_report_is_computed_on_demand(sign_in, company) -> None:
    client = sign_in("manager")
    assert history() == []
    assert "The report is of now" in client.post("/quality/compute/", follow=True).content.decode()
    assert len(history()) == 1


def test_an_analyst_reads_it_but_does_not_compute(sign_in, company) -> None:
    client = sign_in("analyst")
    assert client.get("/quality/").status_code == 200
    assert client.post("/quality/compute/").status_code == 403
    assert history() == []
