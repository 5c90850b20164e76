"""What the database itself refuses in the price book."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import NOW
from tests.support.processes import run_together

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.races import run_in_transaction

LATER = NOW + timedelta(days=10)
PUT = """INSERT INTO pricing_priceentry (price_list_id, sku_id, min_qty, amount_minor, valid, created_at)
         SELECT l.id, s.id, %s, %s, tstzrange(%s, %s), now() FROM pricing_pricelist l, catalog_sku s
         WHERE l.code = 'guide' AND s.code = 'A'"""


def make_list():
    ensure_skus({"A": SkuSpec("Tea")})
    execute(
        """INSERT INTO pricing_pricelist (code, name_zh, name_en, kind, tier, region, currency, priority, valid,
                                          is_active, note, created_by, created_at)
           VALUES ('guide', '指导价', 'Guide', 'guide', '', '', 'CNY', 10, tstzrange(NULL, NULL), true, '',
                   'li', now())"""
    )


def put(amount, start, end, min_qty=1):
    """Written as the rooms write: a transaction that the database ended to break a deadlock is run again."""
    try:
        return run_in_transaction(lambda: execute(PUT, [min_qty, amount, start, end]))
    except IntegrityError as error:
        return error.__cause__.diag.constraint_name


@pytest.mark.usefixtures("company")
def test_two_prices_of_one_moment_are_refused_and_neighbours_are_not():
    make_list()

    assert put(1000, NOW, LATER) == 1
    assert put(1100, LATER, None) == 1
    assert put(900, NOW, LATER, min_qty=10) == 1
    assert put(1200, LATER - timedelta(microseconds=1), LATER) == "one_price_at_a_time"


@pytest.mark.usefixtures("live_company")
def test_of_two_processes_with_overlapping_prices_one_wins():
    make_list()

    results = run_together([lambda amount=amount: put(amount, NOW, None) for amount in (1000, 1100, 1200)])

    assert sorted(results, key=str) == [1, "one_price_at_a_time", "one_price_at_a_time"]
    assert fetch_all("SELECT count(*) FROM pricing_priceentry") == [(1,)]


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pricing_priceentry SET amount_minor = 1",
        "UPDATE pricing_priceentry SET valid = tstzrange(lower(valid), upper(valid) + interval '1 day')",
        "UPDATE pricing_priceentry SET valid = tstzrange(lower(valid) + interval '1 day', upper(valid))",
        "DELETE FROM pricing_priceentry",
    ],
)
def test_a_price_is_ended_never_edited(change):
    make_list()
    put(1000, NOW, LATER)

    with pytest.raises(IntegrityError), transaction.atomic():
        execute(change)

    assert execute("UPDATE pricing_priceentry SET valid = tstzrange(lower(valid), %s)", [NOW + timedelta(days=1)]) == 1
