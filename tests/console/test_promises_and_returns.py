"""The board of promises and the analysis of returns."""

from dataclasses import replace

import pytest
from tests.support.aftersale import ask, delivered, line
from tests.support.company import HOUR, goods, open_company, order_ids, paid, put
from tests.support.lake import write_lake

from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions import route
from tongpan.fulfillment.models import Fulfillment
from tongpan.network.actions import set_staff
from tongpan.orders.actions import accept


@pytest.fixture
def late(db):
    open_company()
    put("sh", A=9)
    now = utc_now()
    accept([paid("T-9", goods("A", 1), placed_at=now - 9 * HOUR, paid_at=now - 9 * HOUR)], actor="test", now=now)
    route(order_ids(["T-9"]), actor="test", now=now)
    Fulfillment.objects.filter(order=order_ids(["T-9"])[0]).update(due_at=now - HOUR)


def test_the_board_leads_from_a_number_to_the_orders(sign_in, late):
    client = sign_in()
    page = client.get("/promises/").content.decode()

    assert "T-9" in page and "Picked or packed late" in page and "badge-bad" in page
    assert "T-9" not in client.get("/promises/?state=kept").content.decode()
    assert "T-9" in client.get("/promises/?state=running&node=sh&reason=late_pick").content.decode()
    export = b"".join(client.get("/promises/export/").streaming_content).decode()
    assert len(export.splitlines()) == 2 and "T-9" in export


def test_a_store_sees_the_promises_of_its_own_nodes_alone(sign_in, person, late):
    client = sign_in("store")
    assert "T-9" not in client.get("/promises/").content.decode()

    set_staff("store", ["sh"], actor="test", now=utc_now())

    assert "T-9" in client.get("/promises/").content.decode()


def test_returns_by_reason_with_their_rate(sign_in, db, tmp_path, settings):
    settings.CONFIG.secrets_dir.mkdir(parents=True, exist_ok=True)
    (tmp_path / "secrets").symlink_to(settings.CONFIG.secrets_dir)
    settings.CONFIG = replace(settings.CONFIG, data_dir=tmp_path)
    open_company()
    put("sh", A=9)
    ask(delivered("1", goods("A", 1)), line(1, 1, "quality"))
    delivered("2", goods("A", 1))
    write_lake()
    client = sign_in()

    page = client.get("/returns/analysis/").content.decode()
    by_sku = client.get("/returns/analysis/?by=sku&nature=other").content.decode()
    export = b"".join(client.get("/returns/analysis/export/?by=nature").streaming_content).decode()

    assert "Defect of quality" in page and "50.0%" in page
    assert "Nothing came back" in by_sku
    assert export.splitlines()[1].startswith("A matter of quality,1,")
