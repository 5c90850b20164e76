"""KPI-19: how far list prices are from guide prices, by channel and in total."""

import pytest
from tests.pricing.support import ask, stock_goods
from tests.support.company import DAY, NOW

from tongpan.analytics.models import DailyValue
from tongpan.analytics.prices import read_prices
from tongpan.analytics.queries import catalogue
from tongpan.pricing.actions import decide_request

pytestmark = pytest.mark.usefixtures("company")


def test_deviation_and_share_inside_the_band_are_read_by_channel_and_in_total():
    stock_goods()
    request = ask(("guide", "A", 10000), ("tmall", "A", 9800), ("guide", "B", 5000), ("tmall", "B", 6000))
    decide_request(request.id, approve=True, actor="user:wang", now=NOW)

    assert read_prices(NOW + DAY) == 6
    assert read_prices(NOW + DAY) == 0

    found = DailyValue.objects.order_by("name", "channel__code").values_list("name", "channel__code", "number", "base")
    assert set(found) == {
        ("price_floating", "own", 0, 15000),
        ("price_floating", "tmall", 1200, 15000),
        ("price_floating", None, 1200, 30000),
        ("price_in_band_rate", "own", 2, 2),
        ("price_in_band_rate", "tmall", 1, 2),
        ("price_in_band_rate", None, 3, 4),
    }
    assert list(catalogue().metrics["price_floating"].kpis) == ["KPI-19"]
