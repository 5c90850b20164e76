"""The documents behind a number are those that it was made from, no more and no fewer."""

from datetime import date

import pytest
from tests.support.books import Books, Sale
from tests.support.lake import write_lake

from tongpan.analytics.queries import drill, metric
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal

BOOKS = Books(
    [
        Sale("1", "tm", 1, (("A", 1, 1000), ("", 1, 100)), "ann", "浙江省"),
        Sale("2", "tm2", 2, (("B", 1, 3000),), "bob"),
        Sale("3", "mall", 30, (("A", 1, 2000),), "ann"),
        Sale("4", "mall", 3, (("B", 1, 1),), "", is_cancelled=True),
    ],
    returns=[("tm", 1, 250)],
)
pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture(autouse=True)
def books(company):
    BOOKS.enter()
    write_lake()


def numbers(found, table="orders_order", column="external_id"):
    names = dict(fetch_all(f"SELECT id, {column} FROM {table}"))
    return sorted(names[i] for i in found.ids)


@pytest.mark.parametrize(
    ("key", "asked", "expected"),
    [
        ("gmv", {}, ["1", "2", "3", "4"]),
        ("gmv", {"settings": {"basis": "paid"}}, ["1", "2", "3"]),
        ("gmv", {"filters": {"channel": "tmall"}}, ["1", "2"]),
        ("gmv", {"filters": {"sku": "A"}}, ["1", "3"]),
        ("gmv", {"filters": {"sku": None}}, ["1"]),
        ("gmv_share", {"filters": {"channel": "own"}}, ["3", "4"]),
        ("aov", {"date_from": date(2026, 11, 1)}, ["1", "2", "4"]),
        ("new_buyers", {}, ["2", "3"]),
        ("new_buyers", {"date_from": date(2026, 11, 1)}, ["2"]),
        ("orders", {"filters": {"buyer_type": "returning"}}, ["1"]),
    ],
)
def test_orders_behind_a_number(key, asked, expected):
    found = drill(key, **asked)

    assert (found.document, numbers(found), found.total) == ("order", expected, len(expected))


def test_returns_and_sales_behind_a_return_rate():
    returns, sales = drill("return_rate"), drill("return_rate", part="base")

    assert (returns.document, numbers(returns, "orders_return")) == ("return", ["R0"])
    assert (sales.document, numbers(sales)) == ("order", ["1", "2", "3", "4"])


def test_customers_behind_a_repurchase_rate():
    upper, base = drill("repurchase_rate"), drill("repurchase_rate", part="base")

    assert (upper.document, upper.total, base.total) == ("customer", 1, 2)
    rate = metric("repurchase_rate").rows[0]
    assert (rate.numerator, rate.denominator) == (upper.total, base.total)


def test_the_newest_come_first_and_the_total_counts_all():
    found = drill("gmv", limit=2)

    assert list(found.ids) == sorted(drill("gmv").ids, reverse=True)[:2]
    assert found.total == 4


def test_what_cannot_be_listed_is_refused():
    with pytest.raises(Refusal, match="has no base to list"):
        drill("gmv", part="base")
    with pytest.raises(Refusal, match="Between 1 and 10000 documents"):
        drill("gmv", limit=0)
