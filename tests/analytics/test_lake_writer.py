"""The writer replaces whole partitions, only those that changed, and takes a constant number of statements."""

from datetime import date, timedelta

import pytest
from tests.support.company import DAY, NOW, goods, order, return_of
from tests.support.database import statements, without_triggers
from tests.support.lake import days, lake, partitions, write_lake

from tongpan.analytics.lake import days as lake_days
from tongpan.analytics.lake import manifest, writer
from tongpan.analytics.models import ChannelDay, LakeFile
from tongpan.channels.models import Channel, Shop
from tongpan.orders.actions import accept, accept_returns
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
MONDAY, TUESDAY, WEDNESDAY = (NOW + n * DAY for n in (-2, -1, 0))


@pytest.fixture
def three_days():
    """Two orders on each of three days; the lake has them."""
    docs = [
        order(f"{day:%a}-{n}", placed_at=day - timedelta(hours=n))
        for day in (MONDAY, TUESDAY, WEDNESDAY)
        for n in (1, 2)
    ]
    accept(docs, actor="test", now=NOW)
    write_lake()


def test_each_day_has_one_file_per_fact(three_days):
    assert {day: rows for day, (rows, _) in partitions("orders").items()} == {
        "2026-11-16": 2,
        "2026-11-17": 2,
        "2026-11-18": 2,
    }
    assert set(partitions("order_lines")) == {"2026-11-16", "2026-11-17", "2026-11-18"}
    assert partitions("fulfillments") == {}
    assert partitions("returns") == {}


def test_a_late_change_rewrites_only_its_day(three_days, lake_dir):
    before = partitions("orders"), partitions("order_lines"), partitions("dim_sku")
    Order.objects.filter(external_id="Mon-1").update(refunded_minor=77)

    changed = writer.write({"orders": days("2026-11-16"), "order_lines": days("2026-11-16")}, NOW)

    after = partitions("orders"), partitions("order_lines"), partitions("dim_sku")
    assert changed == 1
    assert after[0]["2026-11-16"] != before[0]["2026-11-16"]
    assert after[0] | {"2026-11-16": None} == before[0] | {"2026-11-16": None}
    # The lines of that day did not change, so their file did not either.
    assert after[1:] == before[1:]
    assert lake("refunded_minor", "orders", "WHERE external_id = 'Mon-1'") == [(77,)]
    # The replaced file stays for readers that are still at it.
    assert (lake_dir / before[0]["2026-11-16"][1]).exists()


def test_a_day_without_changes_is_not_written_again(three_days, lake_dir):
    files_before = sorted(lake_dir.rglob("*.parquet"))
    version = manifest.version()

    assert writer.write({"orders": days("2026-11-16", "2026-11-17")}, NOW) == 0

    assert manifest.version() == version
    assert sorted(lake_dir.rglob("*.parquet")) == files_before


def test_a_day_that_became_empty_has_an_empty_file_and_a_new_version(three_days):
    version = manifest.version()
    Order.objects.filter(business_date=date(2026, 11, 16)).update(business_date=date(2026, 11, 17))

    writer.write({"orders": days("2026-11-16", "2026-11-17")}, NOW)

    assert {day: rows for day, (rows, _) in partitions("orders").items()} == {
        "2026-11-16": 0,
        "2026-11-17": 4,
        "2026-11-18": 2,
    }
    assert manifest.version() > version
    assert lake("business_date, count(*)", "orders", "GROUP BY 1 ORDER BY 1") == [
        (date(2026, 11, 17), 4),
        (date(2026, 11, 18), 2),
    ]


def test_a_day_without_rows_gets_no_file():
    assert writer.write({"orders": days("2026-11-01"), "returns": days("2026-11-01")}, NOW) == 6

    assert partitions("orders") == partitions("returns") == {}
    assert set(partitions("dim_shop")) == {"all"}


def test_a_table_by_the_month_is_rewritten_whole_from_any_of_its_days():
    tmall = Channel.objects.get(code="tmall")
    for day in (1, 15, 30):
        ChannelDay.objects.create(channel=tmall, day=date(2026, 11, day), visitors=day, cost_minor=0, currency="CNY")

    writer.write({"channel_days": days("2026-11-15")}, NOW)

    assert {month: rows for month, (rows, _) in partitions("channel_days").items()} == {"2026-11": 3}


def test_the_number_of_statements_does_not_grow_with_the_days(three_days):
    def count(touched):
        Order.objects.update(refunded_minor=Order.objects.count() + len(touched))
        with statements() as sent:
            writer.write({"orders": touched, "order_lines": touched}, NOW)
        return len(sent)

    assert count(days("2026-11-16")) == count(days("2026-11-16", "2026-11-17", "2026-11-18"))


def test_a_long_history_is_written_in_parts_that_hold_all_of_it(three_days, monkeypatch):
    expected = {name: partitions(name) for name in ("orders", "order_lines")}
    monkeypatch.setattr(lake_days, "CHUNK_DOCUMENTS", 3)

    parts = list(lake_days.chunks(lake_days.all_days()))
    write_lake()

    assert [sorted(part["orders"]) for part in parts] == [[date(2026, 11, d)] for d in (16, 17, 18)]
    assert {name: {d: r for d, (r, _) in partitions(name).items()} for name in expected} == {
        name: {d: r for d, (r, _) in files.items()} for name, files in expected.items()
    }


def test_a_rebuild_makes_the_same_files_again(three_days):
    accept_returns([return_of("R1"), return_of("R2", goods("A", 2, -50))], actor="test", now=NOW)
    write_lake()
    digests = dict(LakeFile.objects.filter(superseded_at=None).values_list("path", "digest"))
    by_partition = {(f.table, f.partition): f.digest for f in LakeFile.objects.filter(superseded_at=None)}

    written = writer.rebuild(NOW)

    current = LakeFile.objects.filter(superseded_at=None)
    assert written == len(by_partition)
    assert {(f.table, f.partition): f.digest for f in current} == by_partition
    assert not {f.path for f in current} & set(digests)


def test_a_rebuild_empties_what_the_database_no_longer_has(three_days):
    with without_triggers():
        Order.objects.filter(business_date=date(2026, 11, 16)).update(business_date=date(2026, 11, 20))

    write_lake()

    assert partitions("orders")["2026-11-16"][0] == partitions("order_lines")["2026-11-16"][0] == 0
    assert partitions("orders")["2026-11-20"][0] == partitions("order_lines")["2026-11-20"][0] == 2
    assert lake("count(*)", "orders") == [(6,)]


def test_a_dimension_is_rewritten_when_its_rows_change_and_only_then():
    write_lake()
    before = {name: partitions(name) for name in ("dim_shop", "dim_channel", "dim_node")}

    assert writer.refresh_dimensions(NOW) == 0
    Shop.objects.filter(code="tm").update(name="Renamed")
    assert writer.refresh_dimensions(NOW) == 1

    assert partitions("dim_shop") != before["dim_shop"]
    assert (partitions("dim_channel"), partitions("dim_node")) == (before["dim_channel"], before["dim_node"])
    assert lake("shop_name", "dim_shop", "WHERE shop_code = 'tm'") == [("Renamed",)]


def test_a_rolled_back_write_leaves_the_lake_as_it_was(three_days, lake_dir):
    from tests.support.database import rolled_back

    version, before = manifest.version(), partitions("orders")

    with rolled_back():
        Order.objects.update(refunded_minor=5)
        writer.write({"orders": days("2026-11-16")}, NOW)

    assert (manifest.version(), partitions("orders")) == (version, before)
    assert lake("max(refunded_minor)", "orders") == [(0,)]
    # Its file is an orphan until the next sweep.
    assert len(list(lake_dir.glob("orders/*.parquet"))) == len(before) + 1


def test_the_manifest_describes_the_files(three_days, lake_dir):
    import hashlib

    for file in LakeFile.objects.filter(superseded_at=None):
        content = (lake_dir / file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.digest)
        assert file.written_at == NOW
    assert list((lake_dir / ".scratch").iterdir()) == []


def test_partitions_of_a_month_cover_all_its_days():
    from tongpan.analytics.lake.tables import CHANNEL_DAYS

    february = lake_days.days_of_partition(CHANNEL_DAYS, "2028-02")

    assert (february[0], february[-1], len(february)) == (date(2028, 2, 1), date(2028, 2, 29), 29)
    assert {CHANNEL_DAYS.partition(day) for day in february} == {"2028-02"}
