"""What shops ask beside the book: states, one alarm while they differ, prices put on listings that follow."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.pricing.support import BY, ask, stock_goods
from tests.support.company import NOW
from tests.support.database import statements
from tests.support.following import events

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import Listing
from tongpan.pricing.actions import BandSpec, save_bands
from tongpan.pricing.actions.watching import put_prices, watch_listings
from tongpan.pricing.models import PriceAlert
from tongpan.pricing.sync import listing_prices

DAY = timedelta(days=1)


@pytest.fixture
def listed(company):
    stock_goods()
    ask(("guide", "A", 10000), ("guide", "B", 5000), ("tmall", "A", 9800))
    save_listings(
        [
            ListingSpec("tm", "1", "", "A", price_minor=9800),
            ListingSpec("tm2", "1", "", "A", price_minor=9790),
            ListingSpec("mall", "1", "", "A", price_minor=11000),
            ListingSpec("mall", "2", "", "B"),
            ListingSpec("mall", "3", "", "C", price_minor=100),
        ],
        **BY,
    )


@pytest.mark.usefixtures("listed")
def test_every_listing_is_compared_with_the_price_of_its_channel():
    with statements() as sent:
        found = listing_prices(NOW)

    assert [(one.shop, one.item, one.state, one.deviation) for one in found] == [
        ("mall", "1", "differs", Decimal("10.00")),
        ("mall", "2", "unknown", None),
        ("mall", "3", "no_price", None),
        ("tm", "1", "in_sync", Decimal("0.00")),
        ("tm2", "1", "differs", Decimal("-0.10")),
    ]
    assert len(sent) == 7
    assert [one.item for one in listing_prices(NOW, shops=["mall"], text="b")] == ["2"]


@pytest.mark.usefixtures("listed")
def test_a_deviation_beyond_the_alarm_opens_one_alert_until_it_is_gone():
    assert watch_listings(now=NOW) == (1, 0)
    assert watch_listings(now=NOW + DAY) == (0, 0)
    (told,) = events("price.deviation_opened")
    assert {name: told[1][name] for name in ("asked", "book")} == {"asked": 11000, "book": 10000}

    mall = Listing.objects.get(shop__code="mall", external_item_id="1")
    assert put_prices([mall.pk], **BY) == 1
    assert watch_listings(now=NOW + 2 * DAY) == (0, 1)

    assert Listing.objects.get(pk=mall.pk).price_minor == 10000
    assert PriceAlert.objects.get().closed_at == NOW + 2 * DAY
    assert ("catalog.listing_priced", {}) in events("catalog.listing_priced")


@pytest.mark.usefixtures("listed")
def test_listings_of_a_channel_that_follows_get_the_price_of_the_book():
    save_bands([BandSpec("own", follows=True)], **BY)

    assert watch_listings(now=NOW) == (0, 0)

    asked = Listing.objects.order_by("shop__code", "external_item_id").values_list("price_minor", flat=True)
    assert list(asked) == [10000, None, 100, 9800, 9790]
    assert watch_listings(now=NOW) == (0, 0)
