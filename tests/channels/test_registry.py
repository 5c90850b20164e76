"""The channel registry: presets, channels with many facets, shops that stay on their channel."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tongpan.access.models import AuditEntry
from tongpan.channels.actions import load_presets, save_channel, save_channels, save_shop, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.channels.models import Channel, Facet, Shop
from tongpan.channels.queries import ShopRef, channels, facets, shop_by_code
from tongpan.core.errors import Refusal

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}
TMALL = ChannelSpec("tmall", "天猫", "Tmall")
pytestmark = pytest.mark.django_db


def facets_of(code):
    return sorted(Channel.objects.get(code=code).facets.values_list("code", flat=True))


def test_the_presets_hold_the_trees_and_every_named_channel():
    load_presets()

    assert dict(Facet.objects.values_list("tree").distinct().values_list("tree", "tree")).keys() == {
        "class",
        "ownership",
        "core",
        "touchpoint",
        "role",
    }
    assert list(facets("class").filter(parent=None).order_by("position").values_list("name_zh", "name_en")) == [
        ("线上公域", "Online public domain"),
        ("线上私域", "Online private domain"),
        ("线下", "Offline"),
    ]
    assert list(
        Facet.objects.filter(parent__code="class.public").order_by("position").values_list("name_zh", flat=True)
    ) == ["综合电商平台", "垂直电商", "社交媒体电商", "直播电商"]
    assert list(Facet.objects.filter(tree="role").order_by("position").values_list("name_zh", flat=True)) == [
        "内容种草",
        "交易转化",
        "用户运营",
        "品牌信任",
    ]
    names = "、".join(Channel.objects.order_by("position").values_list("name_zh", flat=True))
    assert names == (
        "天猫、淘宝、京东、抖音、小红书、淘宝直播、官方直播间、品牌自有商城、官网、独立站、"
        "企业 APP、小程序、公众号、企业微信、社群、直营门店、门店、专柜、商超专柜、体验店、"
        "体验中心、经销商、代理商、亚马逊、Shopify 独立站、本地生活平台、新兴直播平台、"
        "新兴社交平台、VR 购物平台"
    )
    assert facets_of("douyin") == [
        "class.public.livestream",
        "class.public.social",
        "core.online.community_live",
        "ownership.third_party.content",
        "role.seeding",
    ]


def test_loading_the_presets_again_changes_nothing_that_people_changed():
    load_presets()
    save_channel(ChannelSpec("tmall", "天猫旗舰", "Tmall flagship", ("role.brand_trust",)), **BY)
    Facet.objects.filter(code="role.seeding").update(name_zh="种草")

    load_presets()

    assert Channel.objects.get(code="tmall").name_zh == "天猫旗舰"
    assert facets_of("tmall") == ["role.brand_trust"]
    assert Facet.objects.get(code="role.seeding").name_zh == "种草"
    assert (Facet.objects.count(), Channel.objects.count()) == (44, 29)


def test_some_presets_may_be_loaded_and_unknown_ones_are_refused():
    load_presets(["tmall", "jd"])

    with pytest.raises(Refusal) as refused:
        load_presets(["tmall", "nowhere"])

    assert refused.value.code == "channel.no_preset"
    assert sorted(Channel.objects.values_list("code", flat=True)) == ["jd", "tmall"]


def test_a_saved_channel_has_exactly_the_facets_of_its_spec():
    load_presets([])
    spec = replace(TMALL, facets=("role.seeding", "class.public"), launched_on=date(2026, 1, 2), position=7)

    first = save_channel(spec, **BY)
    second = save_channel(replace(spec, facets=("role.seeding", "role.transaction"), name_en="T"), **BY)

    assert first == second
    assert facets_of("tmall") == ["role.seeding", "role.transaction"]
    assert Channel.objects.values_list("name_en", "launched_on", "zone", "currency", "position").get() == (
        "T",
        date(2026, 1, 2),
        "Asia/Shanghai",
        "CNY",
        7,
    )
    assert (
        list(AuditEntry.objects.values_list("actor", "action", "object_id")) == [("test", "channel.saved", "tmall")] * 2
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": ""}, "channel.code"),
        ({"code": "天猫"}, "channel.code"),
        ({"code": "x" * 41}, "channel.code"),
        ({"code": "a\n"}, "channel.code"),
        ({"name_zh": " "}, "channel.name"),
        ({"name_en": "x" * 61}, "channel.name"),
        ({"name_en": "a\x00b"}, "channel.name"),
        ({"zone": "Mars/Olympus"}, "channel.zone"),
        ({"currency": "yuan"}, "channel.currency"),
        ({"launched_on": date(2026, 2, 1), "closed_on": date(2026, 1, 1)}, "channel.dates"),
        ({"position": -1}, "channel.position"),
        ({"facets": ("role.none",)}, "channel.facet"),
    ],
)
def test_a_bad_channel_is_refused_and_the_whole_batch_with_it(change, code):
    with pytest.raises(Refusal) as refused:
        save_channels([ChannelSpec("jd", "京东", "JD"), replace(TMALL, **change)], **BY)

    assert refused.value.code == code
    assert not Channel.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_same_channel_twice_in_a_batch_is_refused():
    with pytest.raises(Refusal) as refused:
        save_channels([TMALL, TMALL], **BY)

    assert refused.value.code == "channel.twice"


def test_the_number_of_statements_does_not_grow_with_the_batch(django_assert_num_queries):
    load_presets([])
    many = [ChannelSpec(f"c{n}", "渠道", "Channel", ("role.seeding",)) for n in range(50)]

    with django_assert_num_queries(7):  # five and the savepoint around them
        save_channels(many, **BY)
    with django_assert_num_queries(6):  # four and the savepoint
        save_shops([ShopSpec(f"s{n}", f"c{n}", "店") for n in range(50)], **BY)


def test_a_shop_is_found_by_its_code_with_its_channel():
    save_channel(replace(TMALL, currency="USD", zone="America/New_York"), **BY)
    shop_id = save_shop(ShopSpec("tmall-1", "tmall", "旗舰店", capacity=500, kind="group"), **BY)
    channel_id = Channel.objects.get().pk

    found = shop_by_code(["tmall-1", "nobody", "a\x00"])

    assert found == {"tmall-1": ShopRef(shop_id, "tmall-1", channel_id, "tmall", "USD", "America/New_York", True)}
    assert shop_by_code() == found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "a b"}, "shop.code"),
        ({"name": ""}, "shop.name"),
        ({"kind": "kiosk"}, "shop.kind"),
        ({"capacity": -1}, "shop.capacity"),
        ({"capacity": 2**31}, "shop.capacity"),
        ({"external_account": "x" * 81}, "shop.name"),
        ({"channel_code": "nowhere"}, "shop.channel"),
        ({"code": "old", "channel_code": "jd"}, "shop.channel_fixed"),
    ],
)
def test_a_bad_shop_is_refused_and_nothing_is_written(change, code):
    save_channels([TMALL, ChannelSpec("jd", "京东", "JD")], **BY)
    save_shop(ShopSpec("old", "tmall", "旧店"), **BY)

    with pytest.raises(Refusal) as refused:
        save_shops([ShopSpec("new", "tmall", "新店"), replace(ShopSpec("new2", "tmall", "新店"), **change)], **BY)

    assert refused.value.code == code
    assert list(Shop.objects.values_list("code", "name", "channel__code")) == [("old", "旧店", "tmall")]


def test_the_registry_is_read_in_three_statements(django_assert_num_queries):
    load_presets()
    save_shops([ShopSpec("a", "tmall", "A"), ShopSpec("b", "jd", "B")], **BY)

    with django_assert_num_queries(3):
        rows = {c.code: ([f.code for f in c.facets.all()], [s.code for s in c.shops.all()]) for c in channels()}

    assert rows["jd"][1] == ["b"]
    assert rows["dealer"] == (["class.offline.dealer", "core.offline.dealer"], [])
