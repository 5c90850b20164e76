"""A process reads the lake as the manifest lists it now: through views at first, from memory when it goes on."""

from datetime import date

import pytest
from tests.support.company import DAY, NOW, goods, order
from tests.support.database import without_triggers
from tests.support.lake import days, write_lake

from tongpan.analytics.lake import session as module
from tongpan.analytics.lake import writer
from tongpan.analytics.lake.session import PATIENCE, Session
from tongpan.analytics.models import LakeFile
from tongpan.core.errors import Refusal
from tongpan.orders.actions import accept
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
BY_DAY = "SELECT business_date, count(*), sum(refunded_minor) FROM lake.orders GROUP BY 1 ORDER BY 1"


@pytest.fixture
def two_days():
    accept([order("1"), order("2", placed_at=NOW - 2 * DAY)], actor="test", now=NOW)
    write_lake()


def modes():
    """A session that reads files, and one that holds the lake in memory."""
    plain, warm = Session(), Session()
    warm.warm()
    return plain, warm


def change(day, amount):
    Order.objects.filter(business_date=date.fromisoformat(day)).update(refunded_minor=amount)
    writer.write({"orders": days(day)}, NOW)


def test_files_and_memory_answer_the_same_and_follow_every_change(two_days):
    plain, warm = modes()
    assert (plain.is_in_memory, warm.is_in_memory) == (False, True)

    for step in range(12):
        change("2026-11-17", step)
        expected = [(date(2026, 11, 16), 1, 0), (date(2026, 11, 17), 1, step)]
        assert warm.rows(BY_DAY) == expected
        if step < PATIENCE:
            assert plain.rows(BY_DAY) == expected
            assert not plain.is_in_memory


def test_a_session_that_is_asked_often_takes_the_lake_into_memory(two_days):
    reader = Session()
    for n in range(PATIENCE + 1):
        reader.rows(f"{BY_DAY} LIMIT {n + 1}")
    assert not reader.is_in_memory

    reader.rows(BY_DAY)

    assert reader.is_in_memory


def test_a_lake_too_large_for_memory_stays_on_disk(two_days, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_ROWS", 3)
    reader = Session()
    reader.warm()

    assert reader.rows("SELECT count(*) FROM lake.orders") == [(2,)]
    assert not reader.is_in_memory


def test_a_lake_that_grows_out_of_memory_goes_back_to_disk(two_days, monkeypatch):
    _, warm = modes()
    monkeypatch.setattr(module, "MEMORY_ROWS", 3)
    change("2026-11-17", 9)

    assert warm.rows(BY_DAY)[1] == (date(2026, 11, 17), 1, 9)
    assert not warm.is_in_memory


def test_an_emptied_day_disappears(two_days):
    plain, warm = modes()
    with without_triggers():
        Order.objects.filter(external_id="1").update(business_date=date(2026, 11, 16))
    writer.write({"orders": days("2026-11-16", "2026-11-17")}, NOW)

    for reader in (plain, warm):
        assert reader.rows(BY_DAY) == [(date(2026, 11, 16), 2, 0)]


def test_the_same_question_is_answered_once_until_the_lake_changes(two_days):
    reader = Session()
    first = reader.rows(BY_DAY)

    assert reader.rows(BY_DAY) is first
    change("2026-11-17", 3)
    assert reader.rows(BY_DAY) is not first


def test_an_unchanged_lake_costs_one_statement(two_days, django_assert_num_queries):
    reader = Session()
    reader.rows(BY_DAY)

    with django_assert_num_queries(1):
        reader.rows(BY_DAY)


def test_a_missing_file_is_refused_with_what_to_do(two_days, lake_dir):
    for path in lake_dir.glob("orders/*.parquet"):
        path.unlink()

    for reader in (Session(), Session()):
        with pytest.raises(Refusal, match="tongpan lake rebuild") as refused:
            reader.rows(BY_DAY)
        assert refused.value.code == "lake.damaged"

    write_lake()
    assert len(reader.rows(BY_DAY)) == 2


def test_files_of_another_version_are_refused_with_what_to_do(two_days):
    LakeFile.objects.filter(table="orders").update(schema_version=0)

    with pytest.raises(Refusal, match="tongpan lake rebuild") as refused:
        Session().rows(BY_DAY)

    assert refused.value.code == "lake.outdated"
    write_lake()
    assert len(Session().rows(BY_DAY)) == 2


def test_an_empty_lake_has_all_its_tables(db):
    for reader in modes():
        assert reader.rows("SELECT count(*) FROM lake.orders, lake.dim_sku, lake.returns") == [(0,)]


def test_nothing_is_loaded_from_the_network():
    reader = Session()

    names = "'autoinstall_known_extensions', 'autoload_known_extensions', 'threads', 'TimeZone'"
    assert reader.rows(f"SELECT name, value FROM duckdb_settings() WHERE name IN ({names}) ORDER BY name") == [
        ("TimeZone", "UTC"),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("threads", "2"),
    ]


def test_sums_survive_a_join_with_a_dimension_that_has_no_rows(company):
    """DuckDB 2.0.0 fails here with its own default optimizers."""
    accept([order("1", goods("A", 1, 9759)), order("2", goods("A", 1, 0), shop_code="mall")], actor="test", now=NOW)
    write_lake()

    for reader in modes():
        assert reader.rows(
            "WITH a AS (SELECT coalesce(j.top_code, '') AS k, sum(f.total_minor) AS v FROM lake.orders f "
            "LEFT JOIN lake.dim_channel_facet j ON f.channel_id = j.channel_id AND j.tree = 'class' "
            "GROUP BY coalesce(j.top_code, '')) SELECT m.k, m.v FROM a m ORDER BY m.k"
        ) == [("", 9759)]
