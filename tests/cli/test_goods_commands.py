"""``tongpan goods`` and the lists of work about stock on the command line."""

import json

import pytest
from click.testing import CliRunner
from tests.support.company import ACTOR, NOW, put

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.cli.main import main
from tongpan.inventory.actions.transfers import create_transfers
from tongpan.inventory.engine.transfers import TransferDoc, Wanted

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": ACTOR, "now": NOW}


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    """The commands run in the database of the test, which is there already."""
    from contextlib import nullcontext

    monkeypatch.setattr("tongpan.cli.session.database_session", lambda **more: nullcontext())


def run(*arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_listings_and_gaps_of_core_goods(tmp_path):
    put("sh", A=10)
    save_listings([ListingSpec("tm", "1", "", "A", "桌")], **BY)
    run("stock", "covers", "set", "A", "--units", "5")
    checks = tmp_path / "checks.json"
    checks.write_text('[{"check": "title_length", "min": 5}]', "utf-8")
    assert run("goods", "standard", str(checks)) == "Version 1 is in force.\n"

    [row] = json.loads(run("goods", "listings", "--json"))
    gaps = json.loads(run("goods", "gaps", "--json"))

    assert (row["item"], row["is_on_sale"], row["score"], row["passed"]) == ("1", True, 0, False)
    assert gaps["products"] == [
        {"product": "A", "name": "", "skus": ["A"], "channels": {"own": "missing", "tmall": "on_sale"}, "gaps": 1}
    ]
    assert "own missing" in run("goods", "gaps")
    assert "failed" in run("goods", "listings")
    assert json.loads(run("stock", "covers", "--json"))[0]["units"] == 5


def test_kits_and_roles():
    put("sh", A=10)
    ensure_skus({"K": SkuSpec("Kit")})
    save_kits([KitSpec("K", {"A": 3})], **BY)
    run("goods", "role", "A", "tmall", "custom")

    assert json.loads(run("goods", "kits", "--json")) == [
        {"sku": "K", "name": "Kit", "makeable": 3, "scarce": ["A"], "parts": {"A": 3}}
    ]
    assert "3 can be made  3 × A" in run("goods", "kits")
    assert json.loads(run("goods", "roles", "--json"))[0]["role"] == "custom"
    assert "custom" in run("goods", "roles", "--channel", "tmall")


def test_work_about_stock_is_listed():
    put("sh", A=10)
    create_transfers([TransferDoc("cli", "t1", "sh", "hz", (Wanted("A", 4),))], **BY)

    [transfer] = json.loads(run("stock", "transfers", "--json"))
    assert (transfer["from"], transfer["to"], transfer["units"], transfer["state"]) == ("sh", "hz", 4, "draft")
    assert "4 units" in run("stock", "transfers", "--node", "hz")
    assert json.loads(run("stock", "counts", "--json")) == []
    assert json.loads(run("stock", "replenishment", "--json")) == []
    unknown = CliRunner().invoke(main, ["stock", "counts", "--node", "nowhere"])
    assert unknown.exit_code == 1
    assert "no node 'nowhere'" in unknown.output
