"""The rules of counts and replenishment are read and changed on one page, and by the API."""

from decimal import Decimal

import pytest

from tongpan.inventory.counts import count_rules
from tongpan.inventory.engine.counting import CountRules
from tongpan.inventory.engine.replenishing import ReplenishRules
from tongpan.inventory.replenishment import replenish_rules

PAGE = "/stock/rules/"
COUNTS = {
    "rules": "counts",
    "tolerance_units": 2,
    "tolerance_percent": "1.50",
    "accuracy": "lines",
    "target_percent": 99,
    "days_a": 7,
    "days_b": 30,
    "days_c": 90,
}


def test_rules_of_counts_are_put_in_force_and_those_of_replenishment_stay(sign_in):
    answer = sign_in().post(PAGE, COUNTS)

    assert answer["Location"] == PAGE
    assert count_rules() == CountRules(2, Decimal("1.50"), "lines", Decimal(99), 7, 30, 90)
    assert replenish_rules() == ReplenishRules()


def test_rules_of_replenishment_are_put_in_force(sign_in):
    given = {"rules": "replenishment", "target_percent": 150, "due_hours": 24, "urgent_hours": 2}

    sign_in().post(PAGE, given)

    assert replenish_rules() == ReplenishRules(150, 24, 2)
    assert count_rules() == CountRules()


def test_rules_that_cannot_be_are_refused_with_a_sentence(sign_in):
    page = sign_in().post(PAGE, COUNTS | {"days_a": 60}).content.decode()

    assert "Goods of class A are counted at least as often as B" in page
    assert count_rules() == CountRules()


@pytest.mark.parametrize("role", ["store", "analyst"])
def test_who_may_not_approve_counts_sees_the_rules_and_changes_nothing(sign_in, role):
    client = sign_in(role)

    page = client.get(PAGE).content.decode()

    assert "Let these rules count" not in page
    assert client.post(PAGE, COUNTS).status_code == 403
    assert count_rules() == CountRules()
