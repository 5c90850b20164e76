"""Transfers, counts and the replenishment desk: pages, steps, who may take them, and what a blind count hides."""

from __future__ import annotations

import re

import pytest

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import utc_now
from tongpan.inventory.actions import save_count_rules, watch_lines
from tongpan.inventory.engine.counting import CountRules
from tongpan.inventory.models import CountSheet, Level, Replenishment, Transfer


def key_of(page: str) -> str:
    return re.search(r'name="key" value="([^"]+)"', page)[1]


def at(sku: str, node: str) -> int:
    return Level.objects.get(sku__code=sku, node__code=node, bucket="saleable").on_hand


def make_transfer(client, lines="BAG, 4", **more):
    key = key_of(client.get("/stock/transfers/new/").content.decode())
    return client.post("/stock/transfers/new/", {"key": key, "from_node": "wh", "to_node": "st", "lines": lines} | more)


def test_a_transfer_is_made_sent_and_received_short(company, sign_in):
    client = sign_in("store")

    answer = make_transfer(client)
    transfer = Transfer.objects.get()
    assert answer["Location"] == f"/stock/transfers/{transfer.pk}/"
    client.post(answer["Location"], {"step": "ready"})
    client.post(answer["Location"], {"step": "send", "qty-1": "3"})
    assert at("BAG", "wh") == 7
    assert re.search(r"On its way to 北京店.*?\+3</a>", client.get("/stock/sku/BAG/").content.decode(), re.S)
    page = client.get(f"{answer['Location']}receive/").content.decode()
    assert 'name="good-1" value="3"' in page

    refused = client.post(f"{answer['Location']}receive/", {"good-1": "2", "damaged-1": ""}).content.decode()
    assert "give the reason" in refused
    assert 'name="good-1" value="2"' in refused, "what was typed stays"
    client.post(f"{answer['Location']}receive/", {"good-1": "2", "damaged-1": "", "reason": "box open"})

    transfer.refresh_from_db()
    assert (transfer.state, transfer.reason, at("BAG", "st")) == ("received_short", "box open", 4)
    page = client.get(answer["Location"]).content.decode()
    assert "1 unit did not arrive: box open" in page
    assert [title in page for title in ("Made", "Sent", "Received")] == [True] * 3
    assert "Received short" in client.get("/stock/transfers/?q=BAG").content.decode()


def test_the_same_form_sent_twice_makes_one_transfer(company, sign_in):
    client = sign_in("store")
    form = {"key": "8d1cf0fc-8ae9-4f65-a1b0-2b5d0b6e5f11", "from_node": "wh", "to_node": "st", "lines": "BAG\t4"}

    first, second = client.post("/stock/transfers/new/", form), client.post("/stock/transfers/new/", form)

    assert first["Location"] == second["Location"]
    assert Transfer.objects.count() == 1


@pytest.mark.parametrize("lines", ["BAG", "BAG x", "BAG, 0", "BAG, -1", "nothing, 3"])
def test_lines_that_cannot_be_come_back_with_a_sentence(company, sign_in, lines):
    answer = make_transfer(sign_in("store"), lines)

    assert answer.status_code == 200
    assert re.search(r'class="(error|form-error)"', answer.content.decode())
    assert not Transfer.objects.exists()


def test_units_that_are_no_number_are_refused(company, sign_in):
    client = sign_in("store")
    address = make_transfer(client)["Location"]

    page = client.post(address, {"step": "send", "qty-1": "three"}, follow=True).content.decode()

    assert "three is not a number of units." in page
    assert at("BAG", "wh") == 10


def test_a_transfer_on_its_way_is_booked_back(company, sign_in):
    client = sign_in("store")
    address = make_transfer(client)["Location"]
    client.post(address, {"step": "send", "qty-1": "4"})

    client.post(address, {"step": "cancel", "reason": "wrong lorry"})

    assert (Transfer.objects.get().state, at("BAG", "wh")) == ("cancelled", 10)
    assert client.get(f"{address}receive/")["Location"] == address


def test_whoever_may_only_look_takes_no_step(company, sign_in, client):
    address = make_transfer(sign_in("store"))["Location"]
    sign_in("viewer")

    assert client.get(address).status_code == 200
    assert 'name="step"' not in client.get(address).content.decode()
    assert client.post(address, {"step": "send", "qty-1": "4"}).status_code == 403
    assert client.post("/stock/replenishment/", {"step": "accept", "id": "1"}).status_code == 403
    assert Transfer.objects.get().state == "draft"


def open_count(client, **more):
    key = key_of(client.get("/stock/counts/new/").content.decode())
    form = {"key": key, "node": "wh", "kind": "cycle", "skus": "BAG\nCUP"} | more
    return client.post("/stock/counts/new/", form)["Location"]


def line_id(sku: str) -> int:
    return fetch_all(
        "SELECT l.id FROM inventory_countline l JOIN catalog_sku s ON s.id = l.sku_id WHERE s.code = %s", [sku]
    )[0][0]


def test_a_blind_count_hides_the_book_until_it_is_handed_in(company, sign_in):
    client = sign_in("store")
    address = open_count(client, is_blind="on")
    sheet = CountSheet.objects.get()
    page = client.get(address).content.decode()
    assert "Blind" in page and "Book:" not in page

    client.post(address, {"key": "k1", f"qty-{line_id('BAG')}": "6"})
    detail = client.get(f"/stock/counts/{sheet.pk}/").content.decode()
    assert "Shown when the blind count is handed in." in detail
    assert "Book when counted" not in detail
    client.post(f"/stock/counts/{sheet.pk}/", {"step": "submit", "reason": "theft"})

    assert "Book when counted" in client.get(f"/stock/counts/{sheet.pk}/").content.decode()
    sheet.refresh_from_db()
    assert (sheet.state, at("BAG", "wh")) == ("submitted", 10)


def test_a_count_far_off_is_approved_by_another_person_with_the_right(company, sign_in, client):
    sign_in("store", username="counter")
    address = open_count(client)
    sheet = CountSheet.objects.get()
    page = client.get(address).content.decode()
    assert "Book: 10" in page
    client.post(address, {"key": "k1", f"qty-{line_id('BAG')}": "1"})
    detail = f"/stock/counts/{sheet.pk}/"
    client.post(detail, {"step": "submit", "reason": "theft"})
    assert client.post(detail, {"step": "approve"}).status_code == 403

    sign_in("manager")
    assert "Approve and book" in client.get(detail).content.decode()
    client.post(detail, {"step": "approve"})

    sheet.refresh_from_db()
    # two of the ten are pinned to an order and stay
    assert (sheet.state, sheet.approved_by, at("BAG", "wh")) == ("booked", "user:manager", 2)
    page = client.get("/stock/counts/").content.decode()
    assert "Accuracy of the book" in page and "10.0%" in page


def test_a_second_shelf_is_added_once_and_unlisted_goods_are_found(company, sign_in):
    client = sign_in("store")
    address = open_count(client, skus="BAG")
    bag = line_id("BAG")
    client.post(address, {"key": "a", f"qty-{bag}": "6"})
    assert "Everything is counted" in client.get(address).content.decode()

    more = {"key": "b", f"qty-{bag}": "4", f"more-{bag}": "1"}
    client.post(f"{address}?show=all", more)
    client.post(f"{address}?show=all", more)
    found = client.get(f"{address}?q=CUP").content.decode()
    assert 'name="new-CUP"' in found
    client.post(f"{address}?q=CUP", {"key": "c", "new-CUP": "2"})

    rows = fetch_all(
        """SELECT s.code, l.counted FROM inventory_countline l JOIN catalog_sku s ON s.id = l.sku_id ORDER BY 1"""
    )
    assert rows == [("BAG", 10), ("CUP", 2)]
    assert "x is not a number of units." in client.post(address, {"key": "d", f"qty-{bag}": "x"}).content.decode()


def test_due_goods_are_proposed_for_a_count(company, sign_in):
    save_count_rules(CountRules(days_a=1, days_b=1, days_c=1), actor="test", now=utc_now())

    page = sign_in("store").get("/stock/counts/new/?node=wh").content.decode()

    assert re.search(r"<textarea[^>]*name=\"skus\"[^>]*>\s*BAG\s+CUP</textarea>", page)
    assert sign_in("manager").get("/stock/counts/new/?node=%00").status_code == 200


def test_the_desk_accepts_a_proposal_and_shows_its_transfer(company, sign_in):
    client = sign_in("store")
    execute(
        """INSERT INTO inventory_nodepolicy (node_id, sku_id, safety_stock, routing_floor, safety_line)
           SELECT n.id, s.id, 0, 0, 4 FROM network_node n, catalog_sku s WHERE n.code = 'st' AND s.code = 'BAG'"""
    )
    watch_lines(None, now=utc_now())
    proposal = Replenishment.objects.get()
    page = client.get("/stock/replenishment/").content.decode()
    assert "2 free, line 4" in page

    client.post("/stock/replenishment/", {"step": "accept", "id": [str(proposal.pk), "x"]})

    proposal.refresh_from_db()
    assert proposal.state == "accepted"
    assert f"/stock/transfers/{proposal.transfer_id}/" in client.get("/stock/replenishment/").content.decode()
    assert Transfer.objects.get(pk=proposal.transfer_id).state == "draft"


def test_an_urgent_request_stands_on_the_desk_with_its_reason(company, sign_in):
    client = sign_in("store")
    page = client.get("/stock/replenishment/urgent/?sku=BAG").content.decode()
    form = {"key": key_of(page), "sku": "BAG", "node": "st", "qty": "3", "reason": "live room 8 pm"}

    assert client.post("/stock/replenishment/urgent/", form)["Location"] == "/stock/replenishment/"
    assert client.post("/stock/replenishment/urgent/", form | {"sku": "nothing"}).status_code == 200

    assert Replenishment.objects.get().is_urgent
    page = client.get("/stock/replenishment/?urgent=1").content.decode()
    assert "live room 8 pm" in page
    client.post("/stock/replenishment/", {"step": "dismiss", "id": Replenishment.objects.get().pk, "decision": "off"})
    assert "Nothing matches" in client.get("/stock/replenishment/?urgent=1").content.decode()
    assert "off" in client.get("/stock/replenishment/?state=dismissed").content.decode()
