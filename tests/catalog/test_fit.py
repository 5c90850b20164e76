"""The product–channel fit standard: what it finds, and what may not go on sale."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.catalog.contents import publish_standard, recheck, review_truth, set_on_fail
from tongpan.catalog.fit import Content, read_checks, verdict
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import FitResult, FitStandard, Listing, TruthReview
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}
CHECKS = [
    {"check": "title_length", "min": 5, "max": 10},
    {"check": "images", "min": 2, "weight": 2},
    {"check": "video", "required": False},
    {"check": "attributes", "names": ["材质", "尺寸"]},
    {"check": "banned_words", "words": ["Best", "第一"]},
    {"check": "return_days", "min": 7},
    {"check": "ship_hours", "max": 48},
    {"check": "spares"},
    {"check": "detail_text", "min": 3},
]
GOOD = Content("橡木餐桌四人", "实木桌", 3, False, {"材质": "橡木", "尺寸": "120"}, 7, 24, True)


def test_a_listing_that_meets_every_required_check_passes():
    found = verdict(read_checks(CHECKS), GOOD)

    assert (found.score, found.passed) == (90, True)
    assert [one.check for one in found.findings if not one.passed] == ["video"]


@pytest.mark.parametrize(
    ("change", "check", "found", "wanted"),
    [
        ({"title": "桌"}, "title_length", "1", "5-10"),
        ({"image_count": 1}, "images", "1", "≥ 2"),
        ({"attributes": {"材质": " "}}, "attributes", "材质, 尺寸", "材质, 尺寸"),
        ({"description": "the BEST 桌"}, "banned_words", "Best", ""),
        ({"return_days": None}, "return_days", "", "≥ 7"),
        ({"ship_hours": 72}, "ship_hours", "72", "≤ 48"),
        ({"has_spares": False}, "spares", "0", "1"),
        ({"description": "x"}, "detail_text", "1", "≥ 3"),
    ],
)
def test_each_check_says_what_it_found_and_what_it_wanted(change, check, found, wanted):
    result = verdict(read_checks(CHECKS), replace(GOOD, **change))

    [failed] = [one for one in result.findings if not one.passed and one.is_required]
    assert (failed.check, failed.found, failed.wanted) == (check, found, wanted)
    assert not result.passed


@pytest.mark.parametrize(
    "checks",
    [
        [],
        [{"check": "smell"}],
        [{"check": "images"}],
        [{"check": "images", "min": -1}],
        [{"check": "images", "min": True}],
        [{"check": "title_length", "min": 9, "max": 3}],
        [{"check": "attributes", "names": []}],
        [{"check": "video", "min": 1}],
        [{"check": "video", "weight": 0}],
        [{"check": "video"}, {"check": "video"}],
    ],
)
def test_checks_that_cannot_be_are_refused(checks):
    with pytest.raises(Refusal) as refused:
        read_checks(checks)

    assert refused.value.code == "fit.checks"


def spec(item="i1", content=GOOD, **more):
    return ListingSpec("tm", item, "", "a", content.title, content=content, **more)


def listing_id(item="i1"):
    return Listing.objects.get(external_item_id=item).pk


@pytest.fixture
def skus(company):
    ensure_skus({"a": SkuSpec("A")})


def test_without_a_standard_nothing_is_checked_or_refused(skus):
    save_listings([ListingSpec("tm", "i1", "", "a", "x")], **BY)

    assert not FitResult.objects.exists()


def test_a_listing_short_of_a_blocking_standard_cannot_go_on_sale(skus):
    publish_standard("", CHECKS, True, **BY)
    save_listings([spec("good")], **BY)

    with pytest.raises(Refusal) as refused:
        save_listings([spec("poor", replace(GOOD, image_count=1)), spec("fine")], **BY)

    assert refused.value.code == "listing.unfit"
    assert "images" in refused.value.sentence
    assert list(Listing.objects.values_list("external_item_id", "is_on_sale")) == [("good", True)]
    save_listings([spec("poor", replace(GOOD, image_count=1), is_on_sale=False)], **BY)
    assert FitResult.objects.get(listing__external_item_id="poor").passed is False


def test_where_failing_is_only_flagged_the_listing_goes_on_sale_with_its_result(skus):
    publish_standard("", CHECKS, True, **BY)
    set_on_fail("flag", **BY)

    save_listings([spec("poor", replace(GOOD, image_count=1))], **BY)

    assert Listing.objects.get().is_on_sale
    assert (FitResult.objects.get().passed, FitResult.objects.get().score) == (False, 70)


def test_a_channel_has_a_standard_of_its_own_and_every_version_stays(skus):
    publish_standard("", CHECKS, False, **BY)
    save_listings([spec("i1"), replace(spec("i2"), shop_code="mall")], **BY)

    assert publish_standard("own", [{"check": "images", "min": 9}], False, **BY) == 1
    assert publish_standard("own", [{"check": "images", "min": 8}], False, **BY) == 2

    assert FitStandard.objects.count() == 3
    results = recheck(None, now=NOW)
    assert {pk: found.passed for pk, (found, _) in results.items()} == {listing_id("i1"): True, listing_id("i2"): False}
    assert FitResult.objects.get(listing=listing_id("i2")).standard.version == 2


def test_content_stays_when_a_later_save_does_not_name_it(skus):
    save_listings([spec()], **BY)
    save_listings([ListingSpec("tm", "i1", "", "a", "新标题")], **BY)

    assert Listing.objects.get().content.image_count == 3
    assert Listing.objects.get().content.attributes == {"材质": "橡木", "尺寸": "120"}


def test_an_untrue_page_goes_off_sale_until_it_is_reviewed_again(skus):
    save_listings([spec()], **BY)
    events = len(fetch_all("SELECT 1 FROM core_event WHERE name = 'catalog.listings_changed'"))

    with pytest.raises(Refusal, match="untrue about"):
        review_truth({listing_id(): (False, " ")}, reviewer="ann", now=NOW)
    assert review_truth({listing_id(): (False, "不是橡木")}, reviewer="ann", now=NOW) == [listing_id()]

    assert not Listing.objects.get().is_on_sale
    assert len(fetch_all("SELECT 1 FROM core_event WHERE name = 'catalog.listings_changed'")) == events + 1
    with pytest.raises(Refusal) as refused:
        save_listings([spec()], **BY)
    assert refused.value.code == "listing.untrue"
    assert review_truth({listing_id(): (True, "")}, reviewer="bob", now=NOW) == []
    save_listings([spec()], **BY)
    assert Listing.objects.get().is_on_sale
    assert list(TruthReview.objects.order_by("id").values_list("passed", "reviewer")) == [(False, "ann"), (True, "bob")]
