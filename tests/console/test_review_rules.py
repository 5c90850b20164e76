"""The page of the review rules: tried before they count."""

from __future__ import annotations

import re

import pytest

from tongpan.orders.actions import current_rules
from tongpan.orders.models import Hold, ReviewPolicy

FORM = {"address": "on", "price_floor": "on", "blacklist": "on"}


def test_trying_tells_what_would_wait_and_changes_nothing(company, sign_in):
    page = (
        sign_in().post("/orders/rules/", FORM | {"amount_over": "cny 100\nBRL 1,000.50", "try": "1"}).content.decode()
    )

    assert "1 of the 3 newest open orders would wait." in page
    assert ("The total is above the limit", "1") in re.findall(r'<dt>([^<]+)</dt><dd class="num">([^<]+)</dd>', page)
    assert not ReviewPolicy.objects.exists()
    assert not Hold.objects.filter(reason="risk").exists()


def test_saved_rules_count_and_come_back_as_they_were_written(company, sign_in):
    client = sign_in()
    given = {
        "amount_over": "CNY 5000\nJPY 90000",
        "units_over": "200",
        "orders": "3",
        "minutes": "10",
        "words": "refund\n急",
    }

    answer = client.post("/orders/rules/", FORM | given | {"note": "11.11", "save": "1"})

    assert answer["Location"] == "/orders/rules/"
    version, rules = current_rules()
    assert version == 1
    assert (dict(rules.amount_over or {}), rules.units_over) == ({"CNY": 500000, "JPY": 90000}, 200)
    assert (tuple(rules.orders_within or ()), list(rules.words)) == ((3, 10), ["refund", "急"])
    page = client.get("/orders/rules/").content.decode()
    assert "CNY 5000.00\nJPY 90000" in page and "Version 1." in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount_over": "5000"}, "“5000” is no limit; write it as CNY 5000."),
        ({"amount_over": "CNY x"}, "“CNY x” is no limit; write it as CNY 5000."),
        ({"orders": "3"}, "Give both a number of orders and a number of minutes, or neither."),
    ],
)
def test_rules_that_make_no_sense_are_refused_in_words(company, sign_in, wrong, said):
    page = sign_in().post("/orders/rules/", FORM | wrong | {"save": "1"}).content.decode()

    assert said in page
    assert not ReviewPolicy.objects.exists()


def test_who_only_reads_sees_the_rules_and_cannot_change_them(company, sign_in):
    client = sign_in("viewer")

    assert "Let these rules count" not in client.get("/orders/rules/").content.decode()
    assert client.post("/orders/rules/", FORM | {"save": "1"}).status_code == 403
    assert not ReviewPolicy.objects.exists()
