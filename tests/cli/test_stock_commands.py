"""``tongpan stock``: policies and published stock on the command line."""

import json

import pytest
from click.testing import CliRunner
from tests.support.company import ACTOR, NOW, put

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.cli.stock import stock
from tongpan.inventory.actions.publishing import Concerned, republish

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    """The commands run in the database of the test, which is there already."""
    from contextlib import nullcontext

    monkeypatch.setattr("tongpan.cli.session.database_session", lambda **more: nullcontext())


def run(*arguments):
    result = CliRunner().invoke(stock, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_a_published_number_is_explained_line_by_line():
    put("sh", A=10)
    listing = next(iter(save_listings([ListingSpec("tm", "1", "", "A")], actor=ACTOR, now=NOW).values()))
    run("floors", "sh", "--sku", "A", "--safety-stock", "2")
    run("policy", "tmall", "cap", "7", "--sku", "A")
    run("session", "own", "evening", "--from", "2020-01-01", "--to", "2099-01-01", "--quota", "A", "3")
    republish(Concerned(everything=True), now=NOW)

    lines = run("explain", str(listing)).splitlines()

    assert [line.split()[0] for line in lines] == ["on_hand", "safety_stock", "fenced", "published:"]
    assert lines[-1] == "published: 5"
    (row,) = json.loads(run("published", "--json"))
    assert (row["shop"], row["sku"], row["qty"]) == ("tm", "A", 5)


def test_policies_are_listed_and_taken_away():
    put("sh", A=10)
    run("policy", "tmall", "percent", "40")
    run("mode", "segregated")

    shown = json.loads(run("policies", "--json"))

    assert (shown["mode"], [(p["channel"], p["mode"], p["value"]) for p in shown["policies"]]) == (
        "segregated",
        [("tmall", "percent", 40)],
    )
    run("policy", "tmall", "none")
    assert json.loads(run("policies", "--json"))["policies"] == []
