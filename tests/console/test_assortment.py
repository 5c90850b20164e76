"""The pages of core goods, listings, kits, roles and the fit standard."""

from datetime import UTC, datetime

import pytest

from tongpan.catalog.actions import SkuSpec, ensure_skus, mark_core
from tongpan.catalog.contents import on_fail
from tongpan.catalog.coverage import core_channels
from tongpan.catalog.fit import Content
from tongpan.catalog.kits import parts_of
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import FitStandard, Listing, ProductRole, Sku
from tongpan.channels.actions import load_presets, save_shops
from tongpan.channels.engine import ShopSpec

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}


@pytest.fixture
def listed(db):
    load_presets(["tmall", "mini_program"])
    save_shops([ShopSpec("tm", "tmall", "旗舰店"), ShopSpec("mini", "mini_program", "小程序")], **BY)
    ensure_skus({"T-1": SkuSpec("橡木餐桌", "T", "餐桌"), "C-1": SkuSpec("椅子", "C", "椅子"), "SET": SkuSpec("套装")})
    mark_core({"T-1": True})
    content = Content("橡木餐桌", "实木", 1, False, {"材质": "橡木"})
    save_listings([ListingSpec("tm", "i1", "", "T-1", "橡木餐桌", content=content)], **BY)


def body(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_manager_sees_and_changes_what_is_listed_where(listed, sign_in):
    client = sign_in("manager")

    matrix = body(client.get("/goods/coverage/"))
    assert matrix.count("badge-bad") == 1
    client.post("/goods/coverage/channels/", {"channels": ["tmall"]})
    assert [channel.code for channel in core_channels()] == ["tmall"]
    assert "i1" in body(client.get("/goods/listings/?q=T-"))
    assert "i1" not in body(client.get("/goods/listings/?q=zzz"))
    assert client.get("/goods/listings/export/").getvalue().decode("utf-8-sig").count("\n") == 2
    assert client.get("/goods/coverage/export/").getvalue().decode("utf-8-sig").count("\n") == 2


def test_a_standard_is_published_and_a_page_says_what_to_fix(listed, sign_in):
    client = sign_in("manager")
    checks = '[{"check": "images", "min": 3}, {"check": "attributes", "names": ["材质", "尺寸"]}]'

    assert "JSON" in body(client.post("/goods/standards/edit/", {"channel": "", "checks": "nope"}))
    assert "smell" in body(client.post("/goods/standards/edit/", {"channel": "", "checks": '[{"check": "smell"}]'}))
    assert not FitStandard.objects.exists()
    client.post("/goods/standards/edit/", {"channel": "", "checks": checks, "blocks": "on"})

    assert FitStandard.objects.get().blocks
    page = body(client.get(f"/goods/listings/{Listing.objects.get().pk}/"))
    assert "Add images." in page
    assert "missing: 尺寸" in page
    assert "1" in body(client.get("/goods/standards/"))
    client.post("/goods/standards/mode/", {"on_fail": "flag"})
    assert on_fail() == "flag"


def test_a_reviewer_takes_an_untrue_page_off_sale(listed, sign_in):
    client = sign_in("manager")
    listing = Listing.objects.get()

    assert "untrue" in body(client.post(f"/goods/listings/{listing.pk}/", {"passed": "no", "note": ""}))
    client.post(f"/goods/listings/{listing.pk}/", {"passed": "no", "note": "不是橡木"})

    listing.refresh_from_db()
    assert not listing.is_on_sale
    assert "不是橡木" in body(client.get(f"/goods/listings/{listing.pk}/"))


def test_kits_are_made_and_changed(listed, sign_in):
    client = sign_in("manager")

    assert "no part" in body(client.post("/goods/kits/edit/", {"sku": "SET", "parts": "T-1"}))
    client.post("/goods/kits/edit/", {"sku": "SET", "parts": "T-1 1\nC-1 4"})

    [parts] = parts_of([Sku.objects.get(code="SET").pk]).values()
    assert sorted(qty for _, qty in parts) == [1, 4]
    assert "4 × " in body(client.get("/goods/kits/?q=SET"))
    assert "C-1 4" in body(client.get("/goods/kits/edit/?sku=SET"))
    assert client.get("/goods/kits/export/").getvalue().decode("utf-8-sig").count("\n") == 2


def test_roles_are_given_in_bulk_and_conflicts_are_warned_of(listed, sign_in):
    client = sign_in("manager")
    assert "By the kind of the channel" in body(client.get("/goods/roles/"))

    client.post("/goods/roles/save/", {"pair": ["T tmall", "C mini_program"], "role": "experience", "query": "q=T"})

    assert ProductRole.objects.count() == 2
    page = body(client.get("/goods/roles/"))
    assert "Nobody can touch it here" in page
    assert "1 product to be touched on a public channel" in page
    assert "None of its own role on sale" in page
    client.post("/goods/roles/save/", {"pair": ["T tmall"], "role": ""})
    assert ProductRole.objects.count() == 1


@pytest.mark.parametrize(
    "path", ["coverage/channels/", "kits/edit/", "roles/save/", "standards/edit/", "standards/mode/"]
)
def test_a_viewer_changes_nothing(listed, sign_in, path):
    assert sign_in("viewer").post(f"/goods/{path}", {}).status_code == 403
