"""The log of personalised prices: what was shown to whom, from which inputs; purchasing power only where allowed."""

import pytest
from django.db import IntegrityError, transaction
from tests.pricing.support import BY, stock_goods
from tests.support.company import NOW

from tongpan.core.bulk import execute
from tongpan.core.errors import Refusal
from tongpan.pricing.actions import Personal, log_personal, save_settings
from tongpan.pricing.models import PersonalPrice

pytestmark = pytest.mark.usefixtures("company")


def price(amount, **inputs):
    return Personal("C-1", "A", "tmall", 10000, amount, "CNY", "gold", inputs)


def test_only_prices_that_differ_are_logged_and_never_changed():
    stock_goods()

    assert log_personal([price(10000), price(9500, tier="gold")], now=NOW) == 1

    row = PersonalPrice.objects.get()
    assert (row.subject, row.amount_minor, row.source, row.inputs) == ("C-1", 9500, "gold", {"tier": "gold"})
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("DELETE FROM pricing_personalprice")


def test_purchasing_power_is_refused_until_it_is_allowed():
    stock_goods()

    with pytest.raises(Refusal, match="use_purchasing_power is off"):
        log_personal([price(9500, purchasing_power=3)], now=NOW)
    save_settings({"use_purchasing_power": True}, **BY)

    assert log_personal([price(9500, purchasing_power=3)], now=NOW) == 1
