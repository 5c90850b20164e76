"""The pages of prices: the book, a SKU, changes seen before they count, requests, settings, the log."""

from datetime import timedelta

import pytest
from tests.pricing.support import ask, stock_goods
from tests.support.company import open_company

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import Listing
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.pricing.models import ChangeRequest, PriceFloor, SkuCost


@pytest.fixture
def priced(db):
    """A: 100.00 guide, 99.00 on Tmall; B: 50.00 guide, 60.00 on Tmall, which another person let pass."""
    open_company()
    stock_goods()
    early = utc_now() - timedelta(days=2)
    by = {"actor": "user:li", "now": early}
    ask(("guide", "A", 10000), ("tmall", "A", 9900), ("guide", "B", 6000), ("tmall", "B", 6000), **by)
    ask(("guide", "B", 5000), actor="user:li", now=early + timedelta(days=1))


def test_the_book_shows_every_channel_and_finds_what_is_outside(sign_in, priced):
    client = sign_in()

    page = client.get("/prices/").content.decode()
    outside = client.get("/prices/?state=outside").content.decode()

    assert "¥99.00" in page and "-1.00%" in page and "Outside the band" in page
    assert "/prices/sku/B/" in outside and "/prices/sku/A/" not in outside
    assert "20.00%" in client.get("/prices/?sort=-deviation").content.decode()
    export = b"".join(client.get("/prices/export/?q=A").streaming_content).decode()
    assert export.splitlines()[1].startswith("A,Goods A,100.00,,")
    assert client.get("/prices/sku/none/").status_code == 404


def test_a_sku_shows_why_a_price_counts_and_takes_floor_and_cost(sign_in, priced):
    client = sign_in()

    page = client.get("/prices/sku/A/?channel=tmall&qty=2").content.decode()
    answer = client.post("/prices/sku/A/", {"floor": "80", "least": "70", "cost": "60.50"})
    wrong = client.post("/prices/sku/A/", {"floor": "80", "least": "90"}).content.decode()

    assert "This price counts." in page and "Another list counts before it." in page
    assert answer.status_code == 302
    assert PriceFloor.objects.values_list("floor_minor", "min_net_minor").get() == (8000, 7000)
    assert SkuCost.objects.get().amount_minor == 6050
    assert "at most the floor" in wrong
    assert "38.9%" in client.get("/prices/sku/A/").content.decode()


def test_prices_are_seen_before_they_count_and_another_person_approves(sign_in, client, person, priced):
    sign_in()
    rows = "tmall\tA\t96\ntmall\tB\t70\n"

    shown = client.post("/prices/change/", {"rows": rows, "why": "", "act": "preview"}).content.decode()
    assert "Waits for approval" in shown and "+40.00% off the guide price" in shown
    assert ChangeRequest.objects.count() == 2

    number = client.post("/prices/change/", {"rows": rows, "why": "Double 12", "act": "request"}).url.split("/")[-2]
    own = client.post(f"/prices/requests/{number}/decide/", {"act": "approve"}, follow=True).content.decode()
    assert "Nobody approves what they asked for" in own
    client.force_login(person("manager", username="wang"))
    assert "Double 12" in client.get("/prices/requests/?state=pending").content.decode()
    done = client.post(f"/prices/requests/{number}/decide/", {"act": "approve", "row": "2"}, follow=True)

    assert "Decided." in done.content.decode()
    found = "SELECT amount_minor FROM pricing_priceentry WHERE upper(valid) IS NULL ORDER BY 1"
    assert fetch_all(found) == [(5000,), (7000,), (9600,), (10000,)]
    assert "user:wang" in client.get("/prices/log/?sku=B").content.decode()


def test_lines_that_cannot_be_read_are_said_by_their_number(sign_in, priced):
    page = sign_in().post("/prices/change/", {"rows": "guide,A,ten\n,B,3\nguide,A,3,soon", "act": "preview"})

    text = page.content.decode()
    assert all(f"Line {number}:" in text for number in (1, 2, 3))


def test_settings_bands_and_lists(sign_in, priced):
    client = sign_in()
    base = {
        "mode": "band",
        "band_lower_pct": "8",
        "band_upper_pct": "5",
        "band_applies_to": "list",
        "outside_band": "refuse",
        "under_floor": "refuse",
        "alarm_pct": "1",
        "dynamic_mode": "approve",
        "dynamic_step_pct": "3",
    }

    saved = client.post("/prices/settings/", base | {"band-1-mode": "identical"})
    without_end = client.post("/prices/lists/edit/", {"code": "live", "kind": "live", "channel": "tmall"})
    made = client.post("/prices/lists/edit/", {"code": "gold", "kind": "tier", "tier": "gold", "is_active": "on"})
    page = client.get("/prices/settings/").content.decode()

    assert (saved.status_code, made.status_code) == (302, 302)
    assert "say when it ends" in without_end.content.decode()
    assert 'value="8' in page and "gold" in page
    assert fetch_all("SELECT mode FROM pricing_channel_band") == [("identical",)]


def test_who_may_only_look_changes_nothing(sign_in, priced):
    client = sign_in("viewer")

    assert [client.get(f"/prices/{name}").status_code for name in ("", "requests/", "log/", "settings/")] == [200] * 4
    assert client.get("/prices/change/").status_code == 403
    assert client.post("/prices/settings/", {}).status_code == 403
    assert client.post("/prices/sku/A/", {"floor": "1"}).status_code == 403


def test_listings_are_compared_and_get_the_price_of_the_book(sign_in, priced):
    save_listings(
        [
            ListingSpec("tm", "1", "", "A", price_minor=9000),
            ListingSpec("mall", "1", "", "A", price_minor=10000),
            ListingSpec("mall", "2", "", "C", price_minor=1),
        ],
        actor="li",
        now=utc_now(),
    )
    client = sign_in()

    page = client.get("/prices/sync/").content.decode()
    listing = Listing.objects.get(shop__code="tm")
    done = client.post("/prices/sync/put/", {"listing": str(listing.pk)}, follow=True).content.decode()

    assert "-9.09%" in page and "No price in the book" in page and page.count('name="listing"') == 1
    assert "1 listings ask the price of the book now." in done
    assert Listing.objects.get(pk=listing.pk).price_minor == 9900
    assert "-9.09%" not in client.get("/prices/sync/?state=differs").content.decode()
    assert client.post("/prices/sync/put/", {}, follow=True).status_code == 200
