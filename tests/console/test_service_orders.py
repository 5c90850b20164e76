"""The pages of service orders: asked for on the page of an order, assigned by the office, done by the node."""

from __future__ import annotations

import pytest

from tongpan.core.clock import utc_now
from tongpan.fulfillment.models import ServiceOrder
from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.engine import NodeRules, NodeSpec


@pytest.fixture
def fitter(company) -> None:
    """Store "fit" installs, anywhere."""
    rules = NodeRules(facilities=("installation",))
    save_nodes([NodeSpec("fit", "store", "Fitter", rules=rules)], actor="test", now=utc_now())


def said(response) -> str:
    return response.content.decode()


@pytest.mark.usefixtures("fitter")
def test_an_installation_is_asked_for_assigned_and_done_by_its_node(client, person, company) -> None:
    client.force_login(person("manager"))
    order = company.orders["T-1"]
    assert f"/service-orders/new/?order={order}" in said(client.get(f"/orders/{order}/"))
    form = {"kind": "installation", "goods": "Shelf", "name": "韩梅梅", "phone": "13812345678", "address": "x"}
    assert client.post("/service-orders/new/", {"kind": "installation"}).status_code == 422

    made = client.post("/service-orders/new/", form | {"province": "浙江省", "city": "杭州市"})

    one = ServiceOrder.objects.get()
    page = f"/service-orders/{one.pk}/"
    assert made["Location"] == page
    assert "Fitter" in said(client.get(page))
    assert "Assigned" in said(client.post(page, {"step": "assign", "node": "fit"}, follow=True))
    assert "13812345678" in said(client.post(page, {"step": "contact"}))
    assert "13812345678" not in said(client.get(page))
    clerk = person("store", username="fitter")
    client.force_login(clerk)
    assert client.get(page).status_code == 404
    set_staff("fitter", ["fit"], actor="test", now=utc_now())
    assert client.post(page, {"step": "cancel", "note": "no"}).status_code == 403
    client.post(page, {"step": "accept"})
    times = {"step": "schedule", "starts_at": "2036-01-05T10:00", "ends_at": "2036-01-05T12:00"}
    assert "Scheduled" in said(client.post(page, times, follow=True))
    assert f"{ServiceOrder.objects.get().starts_at:%H:%M}" == "02:00"
    assert "Say in 2 to 300 characters" in said(client.post(page, {"step": "complete"}, follow=True))
    client.post(page, {"step": "complete", "note": "fitted"})
    assert ServiceOrder.objects.get().status == "done"
    assert "Shelf" in said(client.get("/service-orders/?status=done"))
    assert "Nothing matches" in said(client.get("/service-orders/?status=open&q=77"))
