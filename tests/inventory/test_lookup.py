"""Looking goods up in a store, and what buyers say of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.company import put

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import Review, Sku
from tongpan.catalog.reviews import Rating, ReviewSpec, moderate, ratings_of, save_reviews, shown_reviews
from tongpan.core.errors import Refusal
from tongpan.inventory.lookup import find_goods, look_up
from tongpan.network.queries import node_ids

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}
REVIEW = ReviewSpec("tmall", "r1", "A", 5, NOW, "很好")


@pytest.fixture
def stocked(company):
    put("sh", A=4, AB=1)
    put("hz", "two", A=6)
    put("bj", "three", A=2)
    Sku.objects.filter(code="A").update(barcode="690001", name="橡木 餐桌")
    return Sku.objects.get(code="A").pk


def test_goods_are_found_by_what_was_scanned_first(stocked):
    assert [sku.code for sku in find_goods(" 690001 ")] == ["A"]
    assert [sku.code for sku in find_goods("A")] == ["A", "AB"]
    assert [sku.code for sku in find_goods("餐桌 橡木")] == ["A"]
    assert find_goods("") == find_goods("nothing") == []


def test_a_store_sees_its_own_stock_the_nearest_nodes_and_prices(stocked, django_assert_num_queries):
    save_listings(
        [ListingSpec("tm", "1", "", "A", price_minor=900), ListingSpec("mall", "1", "", "A", price_minor=800)], **BY
    )
    save_listings([ListingSpec("tm2", "1", "", "A", is_on_sale=False, price_minor=1)], **BY)
    save_reviews([REVIEW], **BY)
    here = node_ids(["sh"])["sh"]
    with django_assert_num_queries(6):
        found = look_up(stocked, here)

    assert (found.here, found.stock.available) == (4, 12)
    assert [(one.code, one.free, round(one.km, -1)) for one in found.nearby] == [("hz", 6, 160.0), ("bj", 2, 1070.0)]
    assert [(one.shop_code, one.price_minor) for one in found.prices] == [("mall", 800), ("tm", 900)]
    assert found.rating == Rating(1, 5)
    assert [review.text for review in found.reviews] == ["很好"]
    assert look_up(10**9) is None
    assert look_up(stocked).here is None


def test_only_shown_reviews_count_and_a_hidden_one_stays_hidden(stocked):
    assert save_reviews([REVIEW, replace(REVIEW, external_id="r2", rating=2)], **BY) == 2
    assert save_reviews([REVIEW], **BY) == 0
    second = Review.objects.get(external_id="r2").pk

    assert moderate({second: "hidden"}, **BY) == 1
    assert save_reviews([replace(REVIEW, external_id="r2", rating=1)], **BY) == 1

    assert ratings_of([stocked]) == {stocked: Rating(1, 5)}
    assert [review.external_id for review in shown_reviews(stocked)] == ["r1"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rating": 6}, "review.rating"),
        ({"sku_code": "nope"}, "review.unknown"),
        ({"channel_code": "nope"}, "review.unknown"),
        ({"state": "loud"}, "review.state"),
        ({"external_id": ""}, "review.text"),
        ({"external_id": "r1"}, "review.twice"),
        ({"said_at": datetime(2026, 1, 1)}, "review.time"),
    ],
)
def test_reviews_that_cannot_be_are_refused_with_the_whole_batch(stocked, change, code):
    with pytest.raises(Refusal) as refused:
        save_reviews([REVIEW, replace(REVIEW, **({"external_id": "r2"} | change))], **BY)

    assert refused.value.code == code
    assert not Review.objects.exists()
