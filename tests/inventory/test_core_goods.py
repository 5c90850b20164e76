"""Core goods: one alert for each channel that has less than the minimum cover, until it is back."""

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, paid, put
from tests.support.following import events, route_all
from tests.support.intake import take
from tests.support.reading import read_once

from tongpan.fulfillment.actions import dispatch
from tongpan.fulfillment.models import Fulfillment
from tongpan.inventory.actions.covering import watch_covers
from tongpan.inventory.actions.floors import save_covers
from tongpan.inventory.covers import core_goods
from tongpan.inventory.engine.policies import CoverSpec
from tongpan.inventory.models import CoverAlert
from tongpan.inventory.readers import CORE_COVERS
from tongpan.network.actions import set_services

BY = {"actor": ACTOR, "now": NOW}


def cover(code="A", units=5, **more):
    save_covers([CoverSpec(code, more.pop("is_core", True), units, **more)], **BY)


def rows():
    return [(one.sku_code, one.channel_code, one.cover, one.free, one.is_below) for one in core_goods()]


@pytest.mark.usefixtures("company")
def test_a_channel_is_measured_at_the_nodes_that_serve_it_less_what_is_promised():
    put("sh", A=6, B=50)
    put("bj", "more", A=4)
    for shop in ("tm", "tm2"):
        set_services(shop, ["sh", "hz"], **BY)
    cover(units=5)
    assert rows() == [("A", "tmall", 5, 6, False), ("A", "own", 5, 10, False)]

    take(paid("1", goods("A", 3)))

    assert rows() == [("A", "tmall", 5, 3, True), ("A", "own", 5, 7, False)]
    assert [one.channel_code for one in core_goods(is_below=True)] == ["tmall"]
    assert core_goods("zzz") == core_goods(channel_code="nowhere") == []


@pytest.mark.usefixtures("company")
def test_days_of_sales_are_a_cover_too():
    put("sh", A=40)
    take(paid("1", goods("A", 28)))
    route_all()
    dispatch(Fulfillment.objects.values_list("id", flat=True), at=NOW, actor=ACTOR)
    cover(units=2, days=14)

    assert rows()[0][2:] == (14, 12, True)  # one a day over four weeks


@pytest.mark.usefixtures("company")
def test_an_alert_opens_once_and_closes_when_stock_is_back_or_the_sku_is_core_no_more():
    put("sh", A=3, B=1)
    cover(units=5)
    cover("B", units=4)

    assert watch_covers(None, now=NOW) == (4, 0)
    assert watch_covers(None, now=NOW) == (0, 0)
    put("sh", "more", A=2)
    assert watch_covers(None, now=NOW + DAY) == (0, 2)
    cover("B", is_core=False, units=4)
    assert watch_covers(None, now=NOW + DAY) == (0, 2)

    assert CoverAlert.objects.filter(closed_at=None).count() == 0
    assert [payload["units"] for _, payload in events("stock.cover_broken")] == [3, 3, 1, 1]


def test_the_reader_follows_stock_covers_and_services(live_company):
    put("sh", A=10)
    cover(units=5)

    def follow():
        while read_once(CORE_COVERS):
            pass
        return CoverAlert.objects.filter(closed_at=None).count()

    assert follow() == 0
    take(paid("1", goods("A", 6)))
    assert follow() == 2
    assert [one.since is not None for one in core_goods()] == [True, True]
    set_services("mall", [], **BY)
    assert follow() == 1
    cover(units=4)
    assert follow() == 0
