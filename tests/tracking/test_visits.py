"""Visits to stores, door counters, and who bought on the same day."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.support.company import HOUR, NOW, goods, paid, put
from tests.support.database import statements
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.analytics.queries.visits import store_days, with_bought
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.customers.models import Customer
from tongpan.orders.engine import BuyerDoc
from tongpan.tracking.actions import count_doors, record_visits
from tongpan.tracking.engine import DoorDoc, Identifier, VisitDoc
from tongpan.tracking.models import DoorCount, Visit
from tongpan.tracking.queries import VisitFilter, footfall, select_visits

pytestmark = pytest.mark.usefixtures("company")
PHONE = Identifier("phone", "company", "13800138000")
DAY = business_day(NOW, DEFAULT_ZONE)


def visit(number="V1", node="sh", **more):
    return VisitDoc("tablet", number, node, NOW, **more)


def test_an_experience_without_a_purchase_is_kept_with_its_goods_and_nobodys_name():
    put("sh", A=3, B=1)

    [outcome] = record_visits([visit(kind="try_on", goods=["A", "B", "A"], note="size 38 too small")], now=NOW)

    row = select_visits(VisitFilter(text="size")).get()
    assert (outcome.state, outcome.visit_id) == ("accepted", row.pk)
    assert ([one.sku.code for one in row.tried], row.customer, row.day) == (["A", "B"], None, DAY)
    assert not Customer.objects.exists()
    [(key, payload)] = fetch_all("SELECT key, payload FROM core_event WHERE name = 'visit.recorded'")
    assert (key, '"kind": "try_on"' in str(payload).replace("'", '"')) == (str(row.pk), True)


def test_a_visit_sent_again_is_kept_once():
    first, twice = record_visits([visit(), visit()], now=NOW)
    [again] = record_visits([visit(note="other words")], now=NOW)

    assert [o.state for o in (first, twice, again)] == ["accepted", "unchanged", "unchanged"]
    assert {o.visit_id for o in (first, twice, again)} == {first.visit_id}
    assert Visit.objects.get().note == ""


@pytest.mark.parametrize(
    ("doc", "code"),
    [
        (visit(note="call 138 0013 8000"), "visit.personal"),
        (visit(note="mail anna@example.com"), "visit.personal"),
        (visit(node="nowhere"), "visit.node"),
        (visit(goods=["Z"]), "visit.sku"),
        (visit(kind="left"), "visit.kind"),
        (visit(number=""), "visit.number"),
        (visit(visitor=Identifier("a" * 30, "company", "1")), "visit.visitor"),
        (visit(visitor=Identifier("phone", "s" * 61, "1")), "visit.visitor"),
        (visit(visitor=Identifier("phone", "company", " ")), "visit.visitor"),
        (replace(visit(), at=NOW + timedelta(days=3)), "visit.time"),
        (visit(note="a\x00b"), "visit.text"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_reason(doc, code):
    bad, good = record_visits([doc, visit("V2")], now=NOW)

    assert (bad.code, good.state) == (code, "accepted")
    assert Visit.objects.count() == 1


def test_a_clerk_writes_down_only_visits_to_his_own_store():
    [outcome] = record_visits([visit()], now=NOW, nodes={0})

    assert outcome.code == "visit.elsewhere"


def test_a_known_visitor_who_ordered_here_on_the_day_has_bought():
    put("sh", A=9)
    buyer = BuyerDoc("phone", "company", PHONE.value)
    take(paid("1", goods("A"), buyer=buyer, placed_at=NOW))
    route_all()
    record_visits(
        [
            visit(visitor=PHONE),
            visit("V2", visitor=replace(PHONE, value="13900139000"), kind="experience"),
            visit("V3"),
            visit("V4", node="hz", visitor=PHONE),
        ],
        now=NOW,
    )
    order_day, node = fetch_all(
        """SELECT o.business_date, n.code FROM orders_order o JOIN fulfillment_fulfillment f ON f.order_id = o.id
           JOIN network_node n ON n.id = f.node_id"""
    )[0]
    assert (order_day, node) == (DAY, "sh")

    bought = dict(with_bought(Visit.objects.all()).values_list("number", "bought"))
    [hz, sh] = store_days(DAY, DAY + timedelta(days=1))

    assert bought == {"V1": True, "V2": False, "V3": False, "V4": False}
    assert (sh.visits, sh.experiences, sh.known, sh.bought, sh.entered, sh.ratio) == (3, 1, 2, 1, None, 0.5)
    assert (hz.visits, hz.bought) == (1, 0)


def test_door_counts_replace_those_of_their_hour_and_add_up_to_footfall():
    first = [DoorDoc("sh", NOW, 10), DoorDoc("sh", NOW + HOUR, 5), DoorDoc("nowhere", NOW, 1)]
    assert [o.state for o in count_doors(first, now=NOW)] == ["accepted", "accepted", "refused"]
    later = [DoorDoc("sh", NOW + timedelta(minutes=20), 12), DoorDoc("sh", NOW, 13), DoorDoc("sh", NOW + HOUR, 5)]
    assert [o.state for o in count_doors(later, now=NOW)] == ["accepted", "refused", "unchanged"]

    node = DoorCount.objects.first().node_id
    assert sum(h.entered for h in footfall(node, DAY, DAY + timedelta(days=2))) == 17
    assert footfall(node, date(2020, 1, 1), date(2020, 1, 2)) == []
    assert sum(row.entered for row in store_days(DAY, DAY + timedelta(days=2))) == 17


def test_the_number_of_statements_does_not_grow_with_the_batch():
    with statements() as few:
        record_visits([visit("a", visitor=PHONE)], now=NOW)
    with statements() as many:
        record_visits([visit(f"n{i}", visitor=replace(PHONE, value=f"1380000{i:04}")) for i in range(50)], now=NOW)

    assert len(many) <= len(few) + 1
