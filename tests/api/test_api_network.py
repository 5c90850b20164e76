"""Dealers, layout, reviews, look-up, listings, roles and standards through the API."""

from typing import Any

import pytest
from tests.api.calling import Api

from tongpan.catalog.models import Listing

pytestmark = pytest.mark.usefixtures("company")
LISTING = {"shop": "flagship", "item": "1", "sku": "A-1", "title": "橡木餐桌", "content": {"image_count": 2}}


def test_a_contract_is_made_and_found_by_place_and_service(api: Api) -> None:
    api.send("PUT", "/nodes/d1", {"kind": "dealer", "name": "D", "city": "宁波", "rules": {"territory": ["浙江"]}})
    contract = {"dealer": "d1", "level": "县级", "starts_on": "2026-01-01", "services": ["repair"]}

    [made] = api.send("POST", "/dealers", {"dealers": [contract]})["items"]

    assert (made["dealer"], made["territory"], made["holds"], made["in_pool"]) == ("d1", ["浙江"], True, False)
    assert [row["dealer"] for row in api.get("/dealers?province=浙江&city=温州&service=repair")["items"]] == ["d1"]
    assert api.get("/dealers?province=江苏&city=南京&service=repair")["items"] == []
    assert {row["tier"]: row["orders"] for row in api.get("/dealers/coverage")["items"]}.keys() == {
        "capital",
        "prefecture",
        "county",
    }
    refused = api.refused(422, "POST", "/dealers", {"dealers": [contract | {"dealer": "sh"}]})
    assert refused["code"] == "dealer.node"


def test_layout_answers_for_a_company_without_stores(api: Api) -> None:
    found = api.get("/nodes-layout?facility=pickup&km=5")

    assert (found["stores"], [row["orders"] for row in found["reach"]]) == (0, [0, 0, 0])


def test_a_store_looks_goods_up_with_reviews(api: Api) -> None:
    review = {"channel": "tmall", "id": "r1", "sku": "A-1", "rating": 4, "said_at": "2026-11-01T10:00:00+08:00"}
    assert api.send("POST", "/goods-reviews", {"reviews": [review]}) == {"changed": 1}

    found = api.get("/goods-look-up?text=A-1&node=sh")

    goods = found["goods"]
    assert (goods["sku"], goods["rating"], goods["rating_count"]) == ("A-1", 4.0, 1)
    review_id = str(goods["reviews"][0]["id"])
    assert api.send("POST", "/goods-reviews/moderation", {"states": {review_id: "hidden"}}) == {"changed": 1}
    assert api.get("/goods-look-up?text=A-1")["goods"]["reviews"] == []
    assert api.get("/goods-look-up?text=zzz") == {"goods": None, "others": []}
    assert api.refused(422, "GET", "/goods-look-up?text=A-1&node=nowhere")["code"] == "node.unknown"


def test_listings_are_checked_and_reviewed(api: Api) -> None:
    standard: dict[str, Any] = {"checks": [{"check": "images", "min": 3}], "blocks": True}
    api.send("PUT", "/fit-standards/mode", {"on_fail": "flag"})
    assert api.send("POST", "/fit-standards", standard)["version"] == 1
    api.send("POST", "/listings", {"listings": [LISTING]})

    [row] = api.get("/listings?fit=failed")["items"]
    assert row["fit"]["findings"][0] == {
        "check": "images",
        "area": "presentation",
        "passed": False,
        "is_required": True,
        "found": "2",
        "wanted": "≥ 3",
    }
    assert api.get(f"/listings/{row['id']}")["content"]["image_count"] == 2
    assert api.send("POST", "/fit-standards/check", {}) == {"checked": 1, "failed": 1}
    api.send("PUT", "/fit-standards/mode", {"on_fail": "refuse"})
    assert api.refused(422, "POST", "/listings", {"listings": [LISTING]})["code"] == "listing.unfit"
    done = api.send("POST", f"/listings/{row['id']}/truth-reviews", {"passed": False, "note": "不是橡木"})
    assert done == {"listing": row["id"], "passed": False, "taken_off_sale": True}
    assert not Listing.objects.get().is_on_sale
    assert [one["version"] for one in api.get("/fit-standards")["items"]] == [1]


def test_roles_and_gaps(api: Api) -> None:
    api.send("POST", "/listings", {"listings": [LISTING]})
    api.send("POST", "/stock/covers", {"covers": [{"sku": "A-1", "is_core": True, "units": 1}]})

    role = {"product": "A-1", "channel": "tmall", "role": "experience"}
    assert api.send("POST", "/product-roles", {"roles": [role]}) == {"changed": 1}
    [row] = api.get("/product-roles?channel=tmall")["items"]
    assert (row["role"], row["is_set"], row["is_conflict"], row["on_sale"]) == ("experience", True, True, 1)
    assert api.send("PUT", "/listing-gaps/channels", {"channels": ["jd"]}) == {"channels": ["jd"]}
    assert api.get("/listing-gaps")["items"][0]["channels"] == {"jd": "missing"}
    assert api.get("/kits") == {"items": []}
