"""The desk of a store: where one works, what is to do, and acts that count once."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from tests.console.conftest import NOW

from tongpan.access.models import AuditEntry
from tongpan.catalog.reviews import ReviewSpec, save_reviews
from tongpan.console.models import StoreAct
from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions import route
from tongpan.fulfillment.actions.desk import make_ready
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.pickup.queries import code_for
from tongpan.fulfillment.states import AT_NODE
from tongpan.inventory.actions import create_transfers, send
from tongpan.inventory.engine.transfers import Sending, TransferDoc, Wanted
from tongpan.inventory.models import CountEntry, Level, Transfer
from tongpan.inventory.queries import reconcile
from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.actions import accept as accept_orders
from tongpan.orders.engine import DeliveryDoc, LineDoc, OrderDoc
from tongpan.orders.models import Order, ReturnCase

BY = {"actor": "test", "now": NOW}


@pytest.fixture
def clerk(company, sign_in):
    """A clerk of the Beijing store."""
    client = sign_in("store")
    set_staff("store", ["st"], **BY)
    return client


def act(client, name: str, key: str = "", node: str = "st", **args):
    body = {"key": key or str(uuid.uuid4()), "node": node, "act": name, "args": args}
    return client.post("/desk/-/act/", json.dumps(body), content_type="application/json")


def on_the_way(goal: str = "st", **units: int) -> int:
    start = "wh" if goal == "st" else "st"
    doc = TransferDoc("test", f"T-{goal}", start, goal, [Wanted(code, qty) for code, qty in units.items()])
    [made] = create_transfers([doc], **BY)
    send([Sending(made.transfer_id)], **BY)
    return made.transfer_id


def on_hand(sku: str, node: str = "st") -> int:
    return Level.objects.get(sku__code=sku, node__code=node, bucket="saleable").on_hand


def test_a_clerk_of_one_store_begins_there_and_comes_nowhere_else(clerk):
    assert clerk.get("/desk/")["Location"] == "/desk/st/"
    assert clerk.get("/desk/st/").status_code == 200
    assert clerk.get("/desk/wh/").status_code == 403


def test_people_of_the_office_choose_a_node_and_viewers_have_no_desk(company, sign_in, client, person):
    page = sign_in("manager").get("/desk/").content.decode()
    assert "/desk/st/" in page
    assert "/desk/wh/" in page

    client.force_login(person("viewer"))
    assert client.get("/desk/").status_code == 403


def test_a_clerk_of_no_store_is_told_who_can_change_that(company, sign_in):
    answer = sign_in("store").get("/desk/")

    assert answer.status_code == 403
    assert "Nobody has said at which node you work" in answer.content.decode()


def test_today_holds_what_comes_what_is_counted_and_what_is_to_be_sent(clerk):
    transfer = on_the_way(BAG=1)

    page = clerk.get("/desk/st/").content.decode()

    assert f"/desk/st/transfers/{transfer}/" in page
    assert "/desk/st/queue/pick/" in page
    assert "J-1" in page
    assert "/desk/st/count/" in page


def test_a_transfer_is_received_once_however_often_it_is_sent(clerk):
    transfer, before, key = on_the_way(BAG=3), on_hand("BAG"), str(uuid.uuid4())
    said = {"transfer": str(transfer), "lines": [{"line": "1", "good": "2", "damaged": ""}], "more": "1"}

    first = act(clerk, "receive", key, **said)
    again = act(clerk, "receive", key, **said)

    assert (first.status_code, first.json()) == (200, {"state": "done", "sentence": "2 units received.", "link": ""})
    assert again.json() == first.json()
    assert on_hand("BAG") == before + 2
    assert Transfer.objects.get().state == "in_transit"
    assert act(clerk, "receive", key, **said | {"more": ""}).json()["state"] == "refused"
    assert on_hand("BAG") == before + 2
    assert reconcile().differences == []


def test_a_refusal_is_an_answer_that_is_kept_and_changes_nothing(clerk):
    transfer, key = on_the_way(BAG=3), str(uuid.uuid4())
    said = {"transfer": str(transfer), "lines": [{"line": "1", "good": "4"}]}

    first = act(clerk, "receive", key, **said)

    assert first.json()["state"] == "refused"
    assert "4 cannot have arrived" in first.json()["sentence"]
    assert act(clerk, "receive", key, **said).json() == first.json()
    assert StoreAct.objects.count() == 1
    assert Transfer.objects.get().lines.get().good is None


def test_what_goes_to_another_node_is_not_received_here(clerk, person, client):
    elsewhere = on_the_way("wh", CUP=1)

    refused = act(clerk, "receive", transfer=str(elsewhere), lines=[{"line": "1", "good": "1"}]).json()
    no_node = act(clerk, "receive", node="wh", transfer=str(elsewhere), lines=[{"line": "1", "good": "1"}]).json()

    assert (refused["state"], no_node["state"]) == ("refused", "refused")
    assert "you do not work at" in refused["sentence"]
    assert Transfer.objects.get().state == "in_transit"


def test_a_count_of_scanned_goods_opens_its_own_sheet(clerk):
    done = act(clerk, "count", found=[{"sku": "BAG", "qty": "2"}, {"sku": "CUP", "qty": ""}], sheet="").json()

    assert done["state"] == "done"
    assert [(entry.line.sku.code, entry.qty) for entry in CountEntry.objects.all()] == [("BAG", 2)]
    sheet = CountEntry.objects.get().line.sheet
    assert (sheet.node.code, sheet.kind, sheet.created_by) == ("st", "cycle", "user:store")
    assert act(clerk, "count", found=[{"sku": "NONE", "qty": "1"}], sheet="").json()["state"] == "refused"


def test_goods_are_found_by_barcode_with_stock_here_and_elsewhere(clerk, company):
    from tongpan.catalog.models import Sku

    Sku.objects.filter(code="BAG").update(barcode="6901234567892")

    page = clerk.get("/desk/st/find/?q=6901234567892").content.decode()

    assert "BAG" in page
    assert "中央仓" in page
    assert "/desk/st/order/?sku=BAG" in page
    assert "What buyers say" not in page


def test_goods_that_are_found_say_what_buyers_think(clerk, company):
    said = [ReviewSpec("tmall", "r1", "BAG", 5, utc_now(), "很结实"), ReviewSpec("tmall", "r2", "BAG", 4, utc_now())]
    save_reviews([*said, ReviewSpec("tmall", "r3", "BAG", 1, utc_now(), "spam", "hidden")], **BY)

    page = clerk.get("/desk/st/find/?q=BAG").content.decode()

    assert "4.5 of 5 in 2 reviews" in page
    assert "很结实" in page
    assert "spam" not in page


def test_a_member_is_looked_up_by_phone_masked_and_logged(clerk):
    page = clerk.post("/desk/st/member/", {"phone": "13800001234"})

    assert page["Cache-Control"] == "no-store"
    assert "王小明" not in page.content.decode()
    assert "T-1" in page.content.decode() or "Nobody is known" in page.content.decode()
    entry = AuditEntry.objects.get(action="store.member_looked_up")
    assert entry.actor == "user:store"
    assert "13800001234" not in json.dumps(entry.data)


SALE = {
    "shop": "tm",
    "lines": [{"sku": "BAG", "qty": "1", "price": "99.50"}],
    "phone": "13911112222",
    "recipient": "李雷",
    "province": "上海市",
    "city": "上海市",
    "address": "南京路2号",
    "method": "ship",
    "paid": "cash",
}


def test_an_order_is_taken_at_the_counter_and_paid_at_the_till(clerk):
    done = act(clerk, "order", **SALE).json()

    assert done["state"] == "done"
    order = Order.objects.latest("pk")
    assert (order.status, order.total_minor, order.delivery_method) == ("paid", 9950, "ship")
    assert done["link"] == f"/orders/{order.pk}/"
    assert reconcile().differences == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"address": ""}, "Say who gets the parcel"),
        ({"lines": [{"sku": "BAG", "qty": "1", "price": "much"}]}, "is no price"),
        ({"lines": [{"sku": "OUT", "qty": "1", "price": "5"}]}, "not there any more"),
        ({"shop": "nowhere"}, "no active shop"),
    ],
)
def test_an_order_that_cannot_be_leaves_nothing(clerk, more, said):
    before = Order.objects.count()

    answer = act(clerk, "order", **SALE | more).json()

    assert answer["state"] == "refused"
    assert said in answer["sentence"]
    assert Order.objects.count() == before


def test_an_act_without_the_permission_or_the_session_is_not_done(clerk, client):
    get_user_model().objects.filter(username="store").update(role="viewer")
    assert act(clerk, "order", **SALE).status_code == 403

    client.logout()
    assert act(client, "order", **SALE).status_code == 302
    assert not StoreAct.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"key": "x", "args": {}}', '{"key": 1, "args": []}'])
def test_what_is_not_understood_is_said_so(clerk, body):
    answer = clerk.post("/desk/-/act/", body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["state"] == "refused"


def parcel_of(number: str, node: str = "st") -> Fulfillment:
    return Fulfillment.objects.get(order__external_id=number, node__code=node, status__in=AT_NODE)


def test_an_order_is_picked_packed_and_leaves_with_its_parcel(clerk):
    parcel = parcel_of("J-1")
    page = clerk.get("/desk/st/queue/pick/").content.decode()
    assert 'value="pick"' in page
    assert "CUP" in page
    papers = clerk.get(f"/queues/papers/pick-list/?id={parcel.pk}")
    assert f"/queues/papers/pick-list/?id={parcel.pk}" in page
    assert papers["Content-Type"] == "application/pdf"

    steps = [act(clerk, "step", fulfillment=str(parcel.pk), step=name).json()["state"] for name in ("pick", "pack")]
    left = act(clerk, "step", fulfillment=str(parcel.pk), step="dispatch", carrier="sf", number="SF1").json()

    assert (steps, left["state"]) == (["done", "done"], "done")
    parcel.refresh_from_db()
    assert (parcel.status, parcel.worked_by) == ("dispatched", "user:store")
    assert parcel.shipments.get().tracking_number == "SF1"
    assert act(clerk, "step", fulfillment=str(parcel.pk), step="pack").json()["state"] == "unchanged"
    too_late = act(clerk, "step", fulfillment=str(parcel.pk), step="reject", reason="other").json()
    assert too_late["state"] == "refused"
    assert reconcile().differences == []


def test_what_a_store_cannot_send_goes_back_with_its_reason(clerk):
    parcel = parcel_of("J-1")

    unknown = act(clerk, "step", fulfillment=str(parcel.pk), step="reject", reason="rain").json()
    done = act(clerk, "step", fulfillment=str(parcel.pk), step="reject", reason="no_capacity").json()

    assert (unknown["state"], done["state"]) == ("refused", "done")
    parcel.refresh_from_db()
    assert (parcel.status, parcel.reject_reason) == ("rejected", "no_capacity")
    assert reconcile().differences == []


def test_a_parcel_of_another_node_is_not_worked_on_here(clerk):
    parcel = parcel_of("T-1", "wh")

    for name in ("pick", "pack", "dispatch", "reject"):
        answer = act(clerk, "step", fulfillment=str(parcel.pk), step=name, reason="other").json()
        assert answer["state"] == "refused", name
    parcel.refresh_from_db()
    assert parcel.status == "allocated"


def a_pickup() -> tuple[Fulfillment, str]:
    """An order of a customer who fetches it at st, and its code."""
    at = NOW
    lines = [LineDoc("goods", "CUP", "Cup", 1, 3050)]
    doc = OrderDoc("tm", "P-1", at, "CNY", lines, paid_at=at, delivery=DeliveryDoc("pickup", "st"))
    accept_orders([doc], **BY)
    order = Order.objects.get(external_id="P-1")
    route([order.pk], **BY)
    parcel = parcel_of("P-1")
    make_ready([parcel.pk], **BY)
    return parcel, code_for(parcel.pk)


def test_a_pickup_is_handed_over_once_to_who_shows_the_code(clerk):
    parcel, code = a_pickup()
    assert "P-1" in clerk.get("/desk/st/pickup/").content.decode()

    wrong = act(clerk, "collect", code="AAAA-AAAA-A").json()
    first = act(clerk, "collect", code=f"https://shop.example/p/{code}").json()
    second = act(clerk, "collect", code=code).json()

    assert (wrong["state"], first["state"], second["state"]) == ("refused", "done", "refused")
    assert "already" in second["sentence"]
    parcel.refresh_from_db()
    assert (parcel.status, parcel.worked_by) == ("delivered", "user:store")
    assert reconcile().differences == []


def test_goods_of_any_channel_are_taken_back_at_the_counter(clerk, company):
    order_id = company.orders["T-4"]
    page = clerk.get("/desk/st/return/?q=T-4").content.decode()
    assert "CUP" in page

    none = act(clerk, "return", order=str(order_id), lines=[{"line": "1", "qty": ""}], reason="no_reason").json()
    too_many = act(clerk, "return", order=str(order_id), lines=[{"line": "1", "qty": "9"}], reason="no_reason").json()

    assert (none["state"], too_many["state"]) == ("refused", "refused")
    assert not ReturnCase.objects.exists()


def test_what_the_rules_approve_is_taken_in_at_once_into_inspection(clerk):
    now = utc_now()
    save_nodes([NodeSpec("st", "store", "北京店", city="北京", rules=NodeRules(facilities=("return",)))], **BY)
    bought = now - timedelta(days=3)
    lines = [LineDoc("goods", "CUP", "Cup", 2, 6100)]
    arrived = {"dispatched_at": bought, "delivered_at": now - timedelta(days=2), "is_shipped": True}
    accept_orders([OrderDoc("tm", "B-9", bought, "CNY", lines, paid_at=bought, **arrived)], actor="test", now=now)
    order = Order.objects.get(external_id="B-9")
    before = on_hand("CUP")

    done = act(clerk, "return", order=str(order.pk), lines=[{"line": "1", "qty": "1"}], reason="no_reason").json()

    case = ReturnCase.objects.get()
    assert done["state"] == "done"
    assert (case.way, case.node.code, case.status) == ("store", "st", "received")
    assert on_hand("CUP") == before
    assert Level.objects.get(sku__code="CUP", node__code="st", bucket="inspection").on_hand == 1
