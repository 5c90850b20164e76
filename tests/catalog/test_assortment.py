"""Core goods on every channel, roles of products, kits that can be made."""

from datetime import UTC, date, datetime

import pytest
from tests.support.company import goods, order, put

from tongpan.catalog.actions import SkuSpec, ensure_skus, mark_core
from tongpan.catalog.coverage import choose_core_channels, core_channels, coverage, select_listings
from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import Product
from tongpan.catalog.roles import RoleSpec, assortment, channel_roles, default_role, is_conflict, save_roles
from tongpan.channels.models import Channel
from tongpan.core.errors import Refusal
from tongpan.inventory.kits import kit_stocks
from tongpan.orders.actions import accept
from tongpan.orders.queries.assortment import last_business_day, sales_by_product

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}


@pytest.fixture
def listed(company):
    """Core SKUs a and b of product P, core SKU c, and d that is not core; P is whole on Tmall only."""
    ensure_skus({"a": SkuSpec("A", "P", "桌子"), "b": SkuSpec("B", "P"), "c": SkuSpec("C", "C"), "d": SkuSpec("D")})
    mark_core({"a": True, "b": True, "c": True})
    save_listings(
        [
            ListingSpec("tm", "1", "", "a"),
            ListingSpec("tm2", "1", "", "b"),
            ListingSpec("mall", "1", "", "a"),
            ListingSpec("mall", "3", "", "c", is_on_sale=False),
            ListingSpec("tm", "4", "", "d"),
        ],
        **BY,
    )


def cells():
    names = {channel.id: channel.code for channel in core_channels()}
    return {row.product_code: {names[pk]: state for pk, state in row.cells.items()} for row in coverage()}


def test_a_core_product_is_on_sale_where_all_of_its_core_skus_are(listed):
    assert cells() == {
        "P": {"tmall": "on_sale", "own": "missing"},
        "C": {"tmall": "missing", "own": "off_sale"},
    }
    assert [(row.product_code, row.gaps) for row in coverage()] == [("C", 2), ("P", 1)]
    assert [row.product_code for row in coverage(text="桌")] == ["P"]


def test_only_the_channels_that_were_chosen_count(listed):
    choose_core_channels(["tmall"], **BY)

    assert cells() == {"P": {"tmall": "on_sale"}, "C": {"tmall": "missing"}}
    assert [row.product_code for row in coverage(gaps_only=True)] == ["C"]
    with pytest.raises(Refusal, match="no channel"):
        choose_core_channels(["nowhere"], **BY)
    choose_core_channels([], **BY)
    assert [channel.code for channel in core_channels()] == ["own", "tmall"]


def test_listings_are_found_by_what_is_known_of_them(listed):
    def found(*args, **more):
        return sorted(row.shop.code + row.external_item_id for row in select_listings(*args, **more))

    assert found("a") == ["mall1", "tm1"]
    assert found(channel="own", state="off") == ["mall3"]
    assert found(fit="unchecked", shop="tm") == ["tm1", "tm4"]


@pytest.mark.parametrize(
    ("facets", "role"),
    [
        (["class.public.marketplace"], "traffic"),
        (["class.private"], "custom"),
        (["class.offline.store", "role.brand_trust"], "experience"),
        (["class.public.social", "class.private.community"], "traffic"),
        (["class.publicity"], ""),
        ([], ""),
    ],
)
def test_what_products_are_for_follows_from_the_kind_of_the_channel(facets, role):
    assert default_role(facets) == role


def test_only_goods_to_be_touched_conflict_and_only_with_a_public_channel():
    assert is_conflict("experience", "traffic")
    assert not is_conflict("experience", "experience")
    assert not is_conflict("custom", "traffic")


def test_a_role_that_is_set_wins_until_it_is_taken_away(listed):
    Channel.objects.get(code="tmall").facets.create(tree="class", code="class.public", name_zh="x", name_en="x")

    assert save_roles([RoleSpec("P", "tmall", "experience"), RoleSpec("P", "own", "custom")], **BY) == 2
    assert save_roles([RoleSpec("P", "own", "custom")], **BY) == 0

    codes = {row.id: row.code for row in channel_roles()}
    rows = {(row.product_code, codes[row.channel_id]): row for row in assortment()}
    assert (rows["P", "tmall"].role, rows["P", "tmall"].is_set, rows["P", "tmall"].is_conflict) == (
        "experience",
        True,
        True,
    )
    assert (rows["d", "tmall"].role, rows["d", "tmall"].is_set, rows["d", "tmall"].on_sale) == ("traffic", False, 1)
    assert (rows["C", "own"].role, rows["C", "own"].listed, rows["C", "own"].on_sale) == ("", 1, 0)
    assert save_roles([RoleSpec("P", "tmall", "")], **BY) == 1
    [row] = [row for row in assortment(text="P") if codes[row.channel_id] == "tmall"]
    assert (row.role, row.is_set) == ("traffic", False)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (RoleSpec("nope", "tmall", "custom"), "role.product"),
        (RoleSpec("P", "nope", "custom"), "role.channel"),
        (RoleSpec("P", "tmall", "star"), "role.role"),
        (RoleSpec("P", "own", "traffic"), "role.twice"),
    ],
)
def test_roles_that_cannot_be_are_refused_with_the_whole_batch(listed, spec, code):
    with pytest.raises(Refusal) as refused:
        save_roles([RoleSpec("P", "own", "custom"), spec], **BY)

    assert refused.value.code == code
    assert not any(row.is_set for row in assortment())


def test_as_many_kits_can_be_made_as_the_scarcest_part_allows(company):
    put("sh", a=10, b=7)
    ensure_skus({"k": SkuSpec("Kit"), "e": SkuSpec("Kit 2")})
    save_kits([KitSpec("k", {"a": 2, "b": 3}), KitSpec("e", {"a": 1})], **BY)

    assert [(row.kit.code, row.makeable, row.scarce) for row in kit_stocks()] == [("e", 10, ("a",)), ("k", 2, ("b",))]
    assert [row.kit.code for row in kit_stocks("b")] == ["k"]


def test_sales_are_summed_by_product_and_channel(company):
    put("sh", a=10)
    accept([order("1", goods("a", 2, 500)), order("2", goods("a", 1, 250))], **BY)
    product, day = Product.objects.get(code="a"), last_business_day()

    found = sales_by_product(day, date(day.year + 1, 1, 1))

    assert found == {(product.pk, Channel.objects.get(code="tmall").pk): (3, 750)}
    assert sales_by_product(date(2000, 1, 1), day) == {}
