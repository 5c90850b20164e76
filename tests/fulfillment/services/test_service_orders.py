"""Service orders: asked for, given to who does such work there, accepted or not, scheduled, done; each step once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.support.company import ACTOR, HOUR, NOW, goods, paid
from tests.support.following import events
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.models import ServiceOrder
from tongpan.fulfillment.services.orders import (
    ServiceSpec,
    assign,
    request_services,
    reveal_contact,
    take_service_step,
)
from tongpan.fulfillment.services.service_queries import ServiceFilter, candidates, select_services
from tongpan.network.actions import save_nodes
from tongpan.network.dealers import DealerSpec, save_dealers
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.engine import ShipTo
from tongpan.orders.models import Order

BY = {"actor": "user:li", "now": NOW}
HERE = {"name": "王小明", "phone": "13812345678", "province": "浙江省", "city": "杭州市", "address": "文三路 1 号"}


@pytest.fixture
def places(company):
    """Dealer "d-hz" repairs in 杭州, "d-nj" in 南京, "d-old" did; store "s-hz" repairs and installs anywhere."""
    save_nodes(
        [
            NodeSpec("d-hz", "dealer", "Dealer Hangzhou", city="杭州", rules=NodeRules(territory=("杭州市",))),
            NodeSpec("d-nj", "dealer", "Dealer Nanjing", city="南京", rules=NodeRules(territory=("南京市",))),
            NodeSpec("d-old", "dealer", "Dealer of before", city="杭州", rules=NodeRules(territory=("杭州市",))),
            NodeSpec("s-hz", "store", "Store", city="杭州市", rules=NodeRules(facilities=("repair", "installation"))),
        ],
        actor=ACTOR,
        now=NOW,
    )
    today = date(2026, 11, 18)
    save_dealers(
        [
            DealerSpec("d-hz", "A", today, services=("repair",)),
            DealerSpec("d-nj", "A", today, services=("repair",)),
            DealerSpec("d-old", "A", today - timedelta(days=9), today, services=("repair",)),
        ],
        actor=ACTOR,
        now=NOW,
    )
    return dict(fetch_all("SELECT code, id FROM network_node"))


def asked(kind="repair", **more):
    (outcome,) = request_services([ServiceSpec(kind, goods="洗衣机", **(HERE | more))], **BY)
    assert outcome.state == "done", outcome
    return outcome.id


def state(i):
    one = ServiceOrder.objects.select_related("node").get(pk=i)
    return one.status, one.node.code if one.node else None


def test_a_repair_goes_to_who_owes_it_there_and_through_its_steps(places):
    i = asked()
    one = ServiceOrder.objects.get(pk=i)
    assert (one.due_at, "王小明".encode() in bytes(one.contact_sealed)) == (NOW + timedelta(hours=72), False)
    assert [place.code for place in candidates(one, NOW)] == ["d-hz", "s-hz"]

    assert assign([i], "d-nj", **BY)[0].code == "service.node"
    assert assign([i], "d-old", **BY)[0].code == "service.node"
    assert state(i) == ("requested", None)
    assert assign([i], "d-hz", **BY)[0].state == "done"
    mine = {places["d-hz"]}
    assert take_service_step("complete", [i], "fixed", nodes=mine, **BY)[0].code == "service.status"
    assert take_service_step("accept", [i, i], nodes=mine, **BY)[1].state == "done"
    assert take_service_step("accept", [i], nodes=mine, **BY)[0].state == "unchanged"
    time = {"starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR}
    assert take_service_step("schedule", [i], nodes=mine, **time, **BY)[0].status == "scheduled"
    assert take_service_step("complete", [i], "换了水泵", nodes=mine, **BY)[0].status == "done"

    assert ServiceOrder.objects.get(pk=i).outcome == "换了水泵"
    names = ["service." + n for n in ("requested", "assigned", "accepted", "scheduled", "done")]
    assert [name for name, _ in events(*names)] == names
    assert [e.kind for e in ServiceOrder.objects.get(pk=i).steps.order_by("id")] == [n[8:] for n in names]
    with pytest.raises(Exception, match="append-only"):
        execute("UPDATE fulfillment_serviceorderevent SET actor = 'nobody'")


def test_who_said_no_is_not_asked_again_and_another_node_is(places):
    i = asked()
    assign([i], "d-hz", **BY)

    with pytest.raises(Refusal, match="why"):
        take_service_step("reject", [i], "", **BY)
    assert take_service_step("reject", [i], "no parts", nodes={places["d-hz"]}, **BY)[0].status == "rejected"

    assert assign([i], "d-hz", **BY)[0].code == "service.node"
    assert assign([i], "s-hz", **BY)[0].state == "done"
    assert state(i) == ("assigned", "s-hz")


def test_an_installation_is_for_a_line_once_at_a_time_at_the_address_of_its_order(places):
    take(paid("7", goods("A", 1), ship_to=ShipTo("浙江省", "杭州市", recipient="李雷", phone="139", address="x路")))
    order = Order.objects.get(external_id="7")
    spec = ServiceSpec("installation", order_id=order.pk, line_no=1)

    first, second, wrong = request_services(
        [spec, spec, ServiceSpec("installation", order_id=order.pk, line_no=9)], **BY
    )

    assert (first.state, second.code, wrong.code) == ("done", "service.twice", "service.line")
    one = ServiceOrder.objects.get(pk=first.id)
    assert (one.city, one.goods) == ("杭州市", "name of A")
    assert reveal_contact(one.pk, **BY) == ("李雷", "139", "x路")
    assert [place.code for place in candidates(one, NOW)] == ["s-hz"]
    take_service_step("cancel", [one.pk], "not wanted", **BY)
    assert request_services([spec], **BY)[0].state == "done"


def test_a_node_works_on_its_own_service_orders_only(places):
    i = asked()
    assign([i], "d-hz", **BY)
    elsewhere = {places["s-hz"]}

    assert take_service_step("accept", [i], nodes=elsewhere, **BY)[0].code == "service.elsewhere"
    with pytest.raises(Refusal, match="where you do not work"):
        reveal_contact(i, nodes=elsewhere, **BY)
    assert list(select_services(ServiceFilter(nodes=elsewhere))) == []
    assert [one.pk for one in select_services(ServiceFilter(nodes={places["d-hz"]}, status="open"))] == [i]
    assert [one.pk for one in select_services(ServiceFilter(late_at=NOW + timedelta(hours=73)))] == [i]
    assert list(select_services(ServiceFilter(late_at=NOW))) == []


@pytest.mark.usefixtures("places")
def test_what_says_too_little_is_refused():
    specs = [ServiceSpec("cleaning", goods="x", **HERE), ServiceSpec("repair", goods="x"), ServiceSpec("repair", 999)]

    assert [o.code for o in request_services(specs, **BY)] == ["service.kind", "service.where", "service.order"]
    assert ServiceOrder.objects.count() == 0
    with pytest.raises(Refusal, match="ahead"):
        take_service_step("schedule", [asked()], starts_at=NOW - HOUR, ends_at=NOW, **BY)
    assert take_service_step("accept", [404], **BY)[0].code == "service.unknown"
