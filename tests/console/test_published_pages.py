"""Published stock and policies in the console."""

import pytest
from tests.console.conftest import NOW

from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import Sku
from tongpan.channels.models import Shop
from tongpan.inventory.actions.floors import save_node_policies
from tongpan.inventory.actions.policies import save_policies
from tongpan.inventory.actions.publishing import Concerned, republish
from tongpan.inventory.engine.policies import NodePolicySpec, PolicySpec
from tongpan.inventory.models import ChannelPolicy, LiveSession, NodePolicy, Pool, PublishedStock
from tongpan.network.models import Node

BY = {"actor": "test", "now": NOW}


@pytest.fixture
def listed(company):
    """A listing of a stocked SKU at a shop that a node serves, with floors and a cap on the channel."""
    pool = Pool.objects.select_related("sku").order_by("-on_hand").first()
    level = pool.sku.levels.order_by("-on_hand").select_related("node").first()
    shop = Shop.objects.filter(services__node=level.node).select_related("channel").first()
    save_node_policies([NodePolicySpec(level.node.code, "", safety_stock=1)], **BY)
    save_policies([PolicySpec(shop.channel.code, pool.sku.code, "cap", 2)], **BY)
    save_listings([ListingSpec(shop.code, "item-1", "", pool.sku.code)], **BY)
    republish(Concerned(everything=True), now=NOW)
    return PublishedStock.objects.select_related("listing__sku", "listing__shop__channel").get()


def test_the_list_shows_each_listing_with_its_number(listed, sign_in):
    page = sign_in().get("/stock/published/?q=item").content.decode()

    assert "item-1" in page
    assert f"/stock/published/{listed.pk}/" in page
    assert "item-1" not in sign_in("administrator").get("/stock/published/?q=other").content.decode()


def test_the_page_says_why_the_number_is_what_it_is(listed, sign_in):
    page = sign_in().get(f"/stock/published/{listed.pk}/").content.decode()

    assert f"Why the published number is {listed.qty}" in page
    assert "On hand at the nodes that serve the shop" in page
    assert "Safety stock that nodes keep back" in page
    assert "Cap of the channel: 0 of 2 are used" in page
    assert sign_in("administrator").get("/stock/published/999999/").status_code == 404


def test_a_kit_is_explained_part_by_part(listed, sign_in):
    other = Sku.objects.exclude(pk=listed.listing.sku_id).first()
    save_kits([KitSpec(other.code, {listed.listing.sku.code: 1})], **BY)
    save_listings([ListingSpec(listed.listing.shop.code, "kit", "", other.code)], **BY)
    republish(Concerned(everything=True), now=NOW)
    kit = PublishedStock.objects.get(listing__external_item_id="kit")

    page = sign_in().get(f"/stock/published/{kit.pk}/").content.decode()

    assert "Makes this many kits, at 1 each" in page
    assert f"As many kits as the scarcest part makes: {listed.listing.sku.code}" in page


def test_policies_floors_and_sessions_are_set_and_taken_away(listed, sign_in):
    client = sign_in()
    channel, sku = listed.listing.shop.channel.code, listed.listing.sku.code
    node = Node.objects.filter(tracks_stock=True).first()

    changed = {"channel": channel, "sku": sku, "mode": "reserved", "value": "3", "threshold": "1"}
    assert client.post("/stock/policies/policy/", changed).status_code == 302
    floors = {"node": node.pk, "sku": sku, "safety_stock": "1", "routing_floor": "2", "safety_line": "3"}
    assert client.post("/stock/policies/floors/", floors).status_code == 302
    session = {
        "channel": channel, "name": "evening", "starts_at": "2026-11-18T20:00", "ends_at": "2026-11-18T22:00",
        "quotas": f"{sku} 2",
    }  # fmt: skip
    assert client.post("/stock/policies/session/", session).status_code == 302
    assert client.post("/stock/policies/mode/", {"mode": "segregated"}).status_code == 302

    policy = ChannelPolicy.objects.get(closed_at=None, session=None)
    assert (policy.mode, policy.value, policy.threshold) == ("reserved", 3, 1)
    assert NodePolicy.objects.filter(node=node, routing_floor=2, safety_line=3).count() == 1
    assert [(q.sku.code, q.value) for q in LiveSession.objects.get().quotas.all()] == [(sku, 2)]
    page = client.get("/stock/policies/").content.decode()
    assert "The pool is segregated" in page and "evening" in page and "Ring-fenced" in page
    # and taken away
    assert client.post("/stock/policies/remove/", {"channel": channel, "sku": sku}).status_code == 302
    assert not ChannelPolicy.objects.filter(closed_at=None, session=None).exists()


def test_what_cannot_be_is_said_at_the_form(listed, sign_in):
    client = sign_in()
    channel = listed.listing.shop.channel.code

    answer = client.post(
        "/stock/policies/policy/", {"channel": channel, "mode": "percent", "value": "101", "threshold": "0"}
    )
    assert answer.status_code == 200 and "a share lies between 0 and 100" in answer.content.decode()
    session = {"channel": channel, "name": "x", "starts_at": "2026-11-18T20:00", "ends_at": "2026-11-18T22:00"}
    answer = client.post("/stock/policies/session/", session | {"quotas": "only-a-code"})
    assert "is no SKU code with its units" in answer.content.decode()
    assert client.get("/stock/policies/other/").status_code == 404


def test_who_may_not_edit_stock_sees_policies_and_sets_none(listed, sign_in):
    client = sign_in("analyst")

    assert "Take away" not in client.get("/stock/policies/").content.decode()
    assert client.post("/stock/policies/mode/", {"mode": "segregated"}).status_code == 403
