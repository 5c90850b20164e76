"""Pages of carts and pre-orders: found, filtered, and set up."""

from __future__ import annotations

import pytest
from tests.console.conftest import NOW

from tongpan.customers.models import Customer
from tongpan.fulfillment.stockout.actions import take_way_out
from tongpan.orders.actions.carts import CartLineSpec, open_cart
from tongpan.orders.actions.preorders import save_offers
from tongpan.orders.engine import BuyerDoc
from tongpan.orders.models import Cart, PreorderOffer
from tongpan.orders.preordering import OfferSpec

BY = {"actor": "test", "now": NOW}


@pytest.fixture
def cart(company) -> Cart:
    buyer = BuyerDoc("buyer", "company", "buyer-77")
    open_cart("tm", [CartLineSpec("BAG", 2, 10000), CartLineSpec("OUT", 3, 5000)], buyer, now=NOW)
    open_cart("br", [CartLineSpec("CUP", 1, 3050)], None, now=NOW)
    return Cart.objects.get(shop__code="tm")


def test_carts_are_found_by_their_goods_and_shop(cart, sign_in):
    client = sign_in()

    everything = client.get("/carts/").content.decode()
    by_goods = client.get("/carts/?q=OUT").content.decode()

    assert everything.count('class="cell-main"') == 2
    assert by_goods.count('class="cell-main"') == 1
    assert f"/carts/{cart.pk}/" in by_goods
    assert "¥350.00" in by_goods
    lines = b"".join(client.get("/carts/export/?format=csv&q=OUT").streaming_content).decode().splitlines()
    assert len(lines) == 2


def test_a_cart_tells_what_of_it_can_be_had(cart, sign_in):
    page = sign_in().get(f"/carts/{cart.pk}/").content.decode()

    assert '<span class="badge badge-good">' in page
    assert '<span class="badge badge-warn">0</span>' in page


def test_a_cart_names_its_customer_only_to_those_who_may_see_customers(cart, sign_in, client, person):
    code = Customer.objects.get(pk=cart.customer_id).code
    assert code in sign_in().get(f"/carts/{cart.pk}/").content.decode()

    client.force_login(person("viewer"))

    assert code not in client.get(f"/carts/{cart.pk}/").content.decode()
    assert f"/carts/{cart.pk}/" not in client.get(f"/carts/?q={code}").content.decode()


OFFER = {"sku": "OUT", "channel": "", "cap": 2, "deposit_percent": 20, "balance_hours": 48, "is_open": "on"}


def test_an_offer_is_set_and_its_queue_shown(company, sign_in):
    client = sign_in()

    answer = client.post("/preorders/offers/edit/", OFFER | {"expected_at": "2026-12-24T08:00"})
    assert answer["Location"] == "/preorders/offers/"
    take_way_out(company.orders["T-2"], "reservation", **BY)

    assert "T-2" in client.get("/preorders/").content.decode()
    assert "T-2" not in client.get("/preorders/?state=served").content.decode()
    assert '<td data-label="Ordered ahead" class="num">1</td>' in client.get("/preorders/offers/").content.decode()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sku": "NONE"}, "There is no SKU"),
        ({"deposit_percent": "", "deposit": "5.00"}, "name the channel whose currency it is in"),
    ],
)
def test_an_offer_that_cannot_be_is_refused_with_a_sentence(company, sign_in, more, said):
    page = sign_in().post("/preorders/offers/edit/", OFFER | more).content.decode()

    assert said in page
    assert not PreorderOffer.objects.exists()


def test_who_may_not_change_orders_sees_offers_and_sets_none(company, sign_in):
    save_offers([OfferSpec("OUT", 2)], **BY)
    client = sign_in("store")

    assert "New offer" not in client.get("/preorders/offers/").content.decode()
    assert client.post("/preorders/offers/edit/", OFFER).status_code == 403
