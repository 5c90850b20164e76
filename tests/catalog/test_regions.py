"""Region-limited goods: which provinces a SKU is sold to."""

import pytest
from tests.support.company import ACTOR, NOW, put
from tests.support.database import statements

from tongpan.access.models import AuditEntry
from tongpan.catalog.models import Sku, SkuRegion
from tongpan.catalog.regions import limit_regions, province_of, regions_of
from tongpan.core.errors import Refusal

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": ACTOR, "now": NOW}


def provinces(code):
    pk = Sku.objects.get(code=code).pk
    return regions_of([pk]).get(pk, [])


def test_a_sku_is_limited_to_provinces_in_any_spelling_and_freed_again():
    put("sh", A=1, B=1)

    stored = limit_regions({"A": ["新疆", "浙江省", "浙江", " "]}, **BY)

    assert stored == {"A": ["新疆维吾尔自治区", "浙江省"]}
    assert (provinces("A"), provinces("B")) == (["新疆维吾尔自治区", "浙江省"], [])
    assert AuditEntry.objects.filter(action="sku.regions", object_id="A").count() == 1

    limit_regions({"A": []}, **BY)

    assert provinces("A") == []


@pytest.mark.parametrize(
    ("limits", "code", "says"),
    [
        ({"A": ["新疆", "亚特兰蒂斯"]}, "region.province", "there is no province 亚特兰蒂斯"),
        ({"A": ["新疆"], "ghost": ["新疆"]}, "region.sku", "There is no SKU ghost"),
        ({"A": ["新疆"] * 41}, "region.many", "41 provinces"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(limits, code, says):
    put("sh", A=1)

    with pytest.raises(Refusal, match=says) as refused:
        limit_regions(limits, **BY)

    assert refused.value.code == code
    assert not SkuRegion.objects.exists()


def test_many_skus_take_as_many_statements_as_one():
    put("sh", A=1, B=1, C=1)
    with statements() as of_one:
        limit_regions({"A": ["新疆"]}, **BY)
    with statements() as of_three:
        limit_regions({"A": ["西藏"], "B": ["新疆"], "C": []}, **BY)

    assert len(of_three) == len(of_one)


def test_the_province_of_a_place_is_found_by_its_city_too():
    assert province_of("", "杭州") == "浙江省"
    assert province_of("新疆", "没有的城市") == "新疆维吾尔自治区"
    assert province_of("", "没有的城市") == ""
