"""``tongpan metrics`` and ``tongpan lake``, as a person or a script uses them."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from tests.support.company import NOW, charge, goods, order
from tests.support.lake import partitions

from tongpan.cli import session
from tongpan.cli.main import main
from tongpan.orders.actions import accept

pytestmark = pytest.mark.usefixtures("live_company")


@pytest.fixture
def run(monkeypatch, settings, tmp_path):
    """Runs a command on the test's database and a lake of its own."""
    settings.CONFIG = replace(settings.CONFIG, data_dir=tmp_path)

    class Session:
        def __enter__(self):
            return session.configuration()

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(session, "database_session", Session)
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture(autouse=True)
def orders(live_company):
    accept(
        [
            order("1", goods("A", 2, 1999), charge("POST", 500), placed_at=NOW.replace(day=10)),
            order("2", goods("B", 1, 1001), shop_code="mall", placed_at=NOW.replace(day=12)),
        ],
        actor="test",
        now=NOW,
    )


def shown(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_metric_reads_the_log_first_and_prints_json(run):
    result = shown(run("metrics", "gmv", "--by", "channel,month", "--json"))

    assert (result["metric"], result["currency"]) == ("gmv", "CNY")
    assert result["rows"] == [
        {"channel": "own", "month": "2026-11", "value": "10.01"},
        {"channel": "tmall", "month": "2026-11", "value": "24.99"},
    ]
    assert "sum of the order amounts" in result["definition"]

    accept([order("3", goods("A", 1, 1))], actor="test", now=NOW)
    assert shown(run("metrics", "gmv", "--json"))["rows"] == [{"value": "35.01"}]


def test_both_days_are_included(run):
    def orders(*arguments):
        return shown(run("metrics", "orders", *arguments, "--json"))["rows"][0]["value"]

    assert orders("--from", "2026-11-10", "--to", "2026-11-10") == 1
    assert orders("--from", "2026-11-10", "--to", "2026-11-12") == 2
    assert orders("--from", "2026-11-11", "--to", "2026-11-11") == 0
    assert orders("--to", "2026-11-11") == 1
    assert orders("--from", "2026-11-11") == 1


def test_filters_settings_order_and_limit(run):
    rows = shown(run("metrics", "gmv", "--by", "shop", "--order", "-value", "--limit", "1", "--json"))["rows"]
    assert rows == [{"shop": "tm", "value": "24.99"}]

    arguments = ("--filter", "shop=tm", "--filter", "shop=mall", "--set", "basis=paid", "--json")
    assert shown(run("metrics", "gmv", *arguments))["rows"] == [{"value": "0.00"}]
    assert shown(run("metrics", "gmv", "--filter", "sku=", "--json"))["rows"] == [{"value": "5.00"}]


def test_a_person_sees_a_table_and_the_definition(run):
    text = run("metrics", "aov", "--by", "shop").stdout

    assert "aov (CNY)" in text
    assert [line.split() for line in text.splitlines()[1:3]] == [["mall", "10.01"], ["tm", "24.99"]]
    assert "GMV ÷ orders" in text
    assert "not defined" in run("metrics", "on_time_rate").stdout
    assert "客单价" not in text
    assert "GMV ÷ 订单数" in run("metrics", "aov", "--language", "zh").stdout


def test_without_a_key_the_catalogue_is_listed(run):
    result = shown(run("metrics", "--json"))

    assert [metric["key"] for metric in result["metrics"]][:3] == ["gmv", "orders", "buyers"]
    assert result["metrics"][0]["settings"]["basis"] == {
        "default": "placed",
        "options": ["placed", "uncancelled", "paid"],
    }
    assert {"key": "channel", "name": "Channel"} in result["dimensions"]
    assert "repurchase_rate" in run("metrics").stdout


def test_the_sql_is_shown_on_request(run):
    assert "SUM(f.total_minor)" in run("metrics", "gmv", "--sql").stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("gmw",), 1, "There is no metric 'gmw'"),
        (("gmv", "--by", "region"), 1, "There is no dimension 'region'"),
        (("gmv", "--from", "2026-11-02", "--to", "2026-11-01"), 1, "holds no day"),
        (("gmv", "--from", "yesterday"), 2, "yesterday"),
        (("gmv", "--filter", "shop"), 2, "NAME=VALUE"),
    ],
)
def test_wrong_questions_say_what_is_wrong(run, arguments, exit_code, words):
    result = run("metrics", *arguments)

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert words in result.stderr


def test_the_lake_is_shown_rebuilt_and_verified(run):
    shown(run("metrics", "gmv", "--json"))
    before = partitions("orders")

    status = shown(run("lake", "status", "--json"))
    rebuilt = shown(run("lake", "rebuild", "--json"))

    tables = {row["table"]: (row["partitions"], row["rows"]) for row in status["tables"]}
    assert (tables["orders"], tables["order_lines"], tables["returns"]) == ((2, 2), (2, 3), (0, 0))
    assert status["waiting"] == 0
    assert rebuilt == {"partitions": 10}
    assert partitions("orders") != before
    assert "orders" in run("lake", "status").stdout
    assert shown(run("lake", "verify", "--json")) == {"clean": True, "differences": []}


def test_a_damaged_lake_fails_verification_and_a_rebuild_heals_it(run, tmp_path):
    shown(run("metrics", "gmv", "--json"))
    next((tmp_path / "lake" / "orders").glob("*.parquet")).write_bytes(b"not Parquet")

    broken = run("lake", "verify", "--json")
    assert broken.exit_code == 1
    assert [(d["table"], d["reason"]) for d in json.loads(broken.stdout)["differences"]] == [("orders", "file changed")]
    refused = run("metrics", "units")
    assert (refused.exit_code, "tongpan lake rebuild" in refused.stderr) == (1, True)

    assert run("lake", "rebuild").exit_code == 0
    assert shown(run("lake", "verify", "--json"))["clean"] is True
    assert shown(run("metrics", "gmv", "--json"))["rows"] == [{"value": "35.00"}]


def test_targets_are_printed_with_how_they_are_attained(run):
    found = {(one["metric"], one["channel"]): one for one in shown(run("metrics", "targets", "--json"))["targets"]}

    accuracy = found["inventory_accuracy", None]
    assert (accuracy["kind"], accuracy["commitment"], accuracy["state"]) == ("value", 0.98, "unknown")
    assert "Stock turnover" in run("metrics", "targets").stdout
    assert run("metrics", "targets", "--from", "2026-11-01").exit_code == 2
