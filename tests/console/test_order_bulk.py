"""Actions over many orders: asked first, done to those that were meant and no other, answered one by one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model

from tongpan.access.models import AuditEntry
from tongpan.console import bulk_actions, bulk_running
from tongpan.console.jobs import run_bulk
from tongpan.console.models import BulkRun
from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.models import Fulfillment
from tongpan.inventory.models import Pool
from tongpan.inventory.queries import reconcile
from tongpan.orders.models import Hold, Order, OrderNote, OrderTag


def prepare(client, action: str, **fields):
    answer = client.post("/orders/bulk/", {"action": action, **fields})
    assert answer.status_code == 302, answer.content.decode()[:500]
    return answer["Location"]


def told(page: str) -> dict[str, str]:
    """What the answer says of each order: "Done" or "Left as it is", and the sentence."""
    rows = re.findall(r'<tr>\s*<td class="cell-main">.*?>([^<]+)</a>.*?</tr>', page, re.S)
    said = re.findall(r'data-label="Outcome"><span class="badge[^"]*">([^<]+)</span> ([^<]*)</td>', page)
    return dict(zip(rows, [" ".join(one).strip() for one in said], strict=True))


def test_a_hold_is_asked_for_with_the_number_and_touches_only_the_chosen(company, sign_in):
    client = sign_in()
    chosen = [company.orders["T-1"], company.orders["T-4"]]

    address = prepare(client, "hold", id=chosen, query="status=paid")
    question = client.get(address).content.decode()

    assert "Hold: 2 orders" in question
    assert "they are not routed and not sent until somebody releases them" in question
    assert "Paid: 1" in question and "Dispatched: 1" in question
    assert not Hold.objects.filter(reason="manual").exists(), "asking does nothing"

    client.post(address, {"reason": "manual", "detail": "check the price"})
    answer = client.get(address).content.decode()

    assert told(answer) == {
        "T-4": "Left as it is The goods of order T-4 have left; book a return instead.",
        "T-1": "Done",
    }
    assert "1 of 2 orders done" in answer
    assert list(Hold.objects.filter(reason="manual").values_list("order__external_id", "detail")) == [
        ("T-1", "check the price")
    ]
    assert 'href="/orders/?status=paid"' in answer
    entry = AuditEntry.objects.get(action="orders.bulk.hold")
    assert entry.actor == "user:manager"
    assert (entry.data["asked"], entry.data["done"]) == (2, 1)


def test_a_second_confirmation_changes_nothing(company, sign_in):
    client = sign_in()
    address = prepare(client, "note", id=[company.orders["T-1"]])

    client.post(address, {"text": "once"})
    client.post(address, {"text": "twice"})

    assert list(OrderNote.objects.values_list("text", flat=True)) == ["once"]
    assert AuditEntry.objects.filter(action="orders.bulk.note").count() == 1


def test_the_whole_filter_is_what_it_held_when_it_was_asked(company, sign_in):
    client = sign_in()

    address = prepare(client, "tag", all="1", query="status=open&sort=total", id=[company.orders["T-4"]])
    Order.objects.filter(external_id="T-4").update(status="paid")
    assert "Tag: 3 orders" in client.get(address).content.decode()
    client.post(address, {"tags": "late, 双11"})

    tagged = set(OrderTag.objects.values_list("order__external_id", "tag"))
    assert tagged == {(number, tag) for number in ("T-1", "T-2", "J-1") for tag in ("late", "双11")}


def test_tags_are_taken_away_again(company, sign_in):
    client = sign_in()
    OrderTag.objects.create(order_id=company.orders["T-1"], tag="vip")
    OrderTag.objects.create(order_id=company.orders["T-2"], tag="vip")

    address = prepare(client, "untag", id=[company.orders["T-1"], company.orders["T-3"]])
    client.post(address, {"tags": "vip"})

    assert told(client.get(address).content.decode()) == {"T-3": "Left as it is It was so already", "T-1": "Done"}
    assert list(OrderTag.objects.values_list("order__external_id", flat=True)) == ["T-2"]


def test_a_release_lets_the_orders_go_on(company, sign_in):
    client = sign_in()
    ids = [company.orders["T-1"], company.orders["J-1"]]
    client.post(prepare(client, "hold", id=ids), {"reason": "address"})

    client.post(prepare(client, "release", id=ids[:1]), {"reason": "address", "note": "buyer confirmed"})

    assert list(Hold.objects.filter(released_at=None, reason="address").values_list("order_id", flat=True)) == ids[1:]


def test_cancelled_orders_give_their_goods_back_and_others_keep_theirs(company, sign_in):
    client = sign_in()
    before = {pool.sku.code: pool.allocated for pool in Pool.objects.select_related("sku")}
    assert before["BAG"] == 2

    address = prepare(client, "cancel", id=[company.orders["T-1"], company.orders["T-4"]])
    client.post(address, {"reason": "buyer asked"})

    page = client.get(address).content.decode()
    assert told(page)["T-1"] == "Done"
    assert Order.objects.get(external_id="T-1").status == "cancelled"
    assert Order.objects.get(external_id="J-1").status == "paid"
    assert Fulfillment.objects.get(order_id=company.orders["J-1"]).status == "allocated"
    assert Pool.objects.get(sku__code="BAG").allocated == 0
    assert reconcile().differences == []


def test_choosing_nodes_again_books_every_unit_once(company, sign_in):
    client = sign_in()

    address = prepare(client, "reroute", all="1", query="")
    client.post(address)

    assert told(client.get(address).content.decode()) == {
        "T-1": "Done Routed",
        "T-2": "Left as it is No node has the goods: the order waits",
        "T-3": "Left as it is Nothing of it is left to send",
        "T-4": "Left as it is Nothing of it is left to send",
        "J-1": "Done Routed",
    }
    parcels = Fulfillment.objects.order_by("id").values_list("order__external_id", "node__code", "status")
    assert list(parcels) == [
        ("T-1", "wh", "cancelled"),
        ("T-4", "st", "dispatched"),
        ("J-1", "st", "cancelled"),
        ("T-1", "wh", "allocated"),
        ("J-1", "st", "allocated"),
    ]
    assert reconcile().differences == []


def test_a_long_run_goes_on_where_it_was_interrupted(company, sign_in, monkeypatch):
    monkeypatch.setattr(bulk_running, "CHUNK", 2)
    client = sign_in()
    address = prepare(client, "note", all="1", query="sort=placed")
    run = BulkRun.objects.get()
    run.outcomes = [[order_id, True, ""] for order_id in run.order_ids[:2]]
    run.save()

    client.post(address, {"text": "late"})

    noted = OrderNote.objects.order_by("order__placed_at").values_list("order_id", flat=True)
    assert list(noted) == run.order_ids[2:]
    assert len(BulkRun.objects.get().outcomes) == 5


def test_a_large_run_is_a_job_that_its_owner_watches(company, sign_in, monkeypatch):
    monkeypatch.setattr(bulk_running, "AT_ONCE", 2)
    monkeypatch.setattr(bulk_running, "CHUNK", 3)
    client = sign_in()
    address = prepare(client, "hold", all="1", query="")

    for _ in range(2):
        client.post(address, {"reason": "risk", "detail": "look twice"})

    assert not Hold.objects.filter(reason="risk").exists(), "nothing is done while the person waits"
    assert "0 of 5 orders" in client.get(address).content.decode()
    waiting = "SELECT (args->>'run_id')::bigint FROM procrastinate_jobs WHERE task_name = 'console.run_bulk'"
    [(run_id,)] = fetch_all(waiting)
    run_bulk(run_id=run_id)
    run_bulk(run_id=run_id)

    run = BulkRun.objects.get()
    assert len(run.outcomes) == 5
    assert run.finished_at is not None
    assert set(Hold.objects.filter(reason="risk").values_list("detail", flat=True)) == {"look twice"}
    assert AuditEntry.objects.filter(action="orders.bulk.hold").count() == 1


def test_a_job_of_somebody_who_lost_the_permission_does_nothing(company, sign_in, monkeypatch):
    monkeypatch.setattr(bulk_running, "AT_ONCE", 2)
    client = sign_in()
    client.post(prepare(client, "hold", all="1", query=""), {"reason": "risk"})
    get_user_model().objects.update(role="viewer")

    run_bulk(run_id=BulkRun.objects.get().pk)

    assert not Hold.objects.filter(reason="risk").exists()
    assert {text for _order, _done, text in BulkRun.objects.get().outcomes} == {"You may not do that any more"}


def test_more_than_a_run_takes_is_refused(company, sign_in, monkeypatch):
    monkeypatch.setattr(bulk_actions, "ACTIONS", [replace(bulk_actions.ACTIONS[0], most=4)])
    client = sign_in()

    answer = client.post("/orders/bulk/", {"action": "hold", "all": "1", "query": "q=T-"}, follow=True)
    assert "Hold: 4 orders" in answer.content.decode()

    answer = client.post("/orders/bulk/", {"action": "hold", "all": "1", "query": ""}, follow=True)
    assert "At most 4 orders at once" in answer.content.decode()
    assert BulkRun.objects.count() == 1


def test_nothing_chosen_is_nothing_done(company, sign_in):
    answer = sign_in().post("/orders/bulk/", {"action": "hold", "query": "status=paid"})

    assert answer["Location"] == "/orders/?status=paid"
    assert not BulkRun.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "analyst", "store"])
def test_who_may_not_change_orders_is_refused_and_offered_nothing(company, sign_in, role):
    client = sign_in(role)

    assert 'value="hold"' not in client.get("/orders/").content.decode()
    assert client.post("/orders/bulk/", {"action": "hold", "id": [company.orders["T-1"]]}).status_code == 403
    assert not BulkRun.objects.exists()


def test_a_run_is_seen_and_confirmed_by_its_owner_alone(company, sign_in, person, client):
    sign_in("manager")
    address = prepare(client, "note", id=[company.orders["T-1"]])
    client.force_login(person("manager", username="other"))

    assert client.get(address).status_code == 404
    assert client.post(address, {"text": "x"}).status_code == 404
    assert not OrderNote.objects.exists()


def test_the_outcome_is_a_file_too(company, sign_in):
    client = sign_in()
    address = prepare(client, "hold", id=[company.orders["T-1"], company.orders["T-3"]])
    client.post(address, {"reason": "risk"})

    text = b"".join(client.get(f"{address}export/?format=csv").streaming_content).decode("utf-8-sig")

    assert text.splitlines() == ["Order,Done,Outcome", "T-3,0,Order T-3 is cancelled.", "T-1,1,"]


def test_an_export_of_the_selection_goes_to_the_export(company, sign_in):
    ids = [company.orders["T-1"], company.orders["T-2"]]

    chosen = prepare(sign_in(), "export-csv", id=ids, query="sort=-placed")

    assert chosen == f"/orders/export/?sort=-placed&id={ids[0]}&id={ids[1]}&format=csv"


def test_orders_of_one_buyer_and_address_are_sent_together(company, sign_in):
    client = sign_in()
    address = prepare(client, "merge", id=[company.orders["T-1"], company.orders["T-2"]])
    client.post(address)
    assert set(told(client.get(address).content.decode()).values()) == {"Done"}
    assert Order.objects.filter(merge_id__isnull=False).count() == 2

    address = prepare(client, "merge", id=[company.orders["J-1"], company.orders["T-1"]])
    client.post(address)
    refused = told(client.get(address).content.decode())
    assert all(text.startswith("Left as it is") for text in refused.values())
    assert Order.objects.get(external_id="J-1").merge_id is None


def test_one_order_is_not_sent_together_with_nothing(company, sign_in):
    answer = sign_in().post("/orders/bulk/", {"action": "merge", "id": [company.orders["T-1"]]}, follow=True)

    assert "Select at least 2 orders for that." in answer.content.decode()
    assert not BulkRun.objects.exists()
