"""``tongpan patrol`` and ``tongpan risk``: files of prices seen and of serials, what is due, scores and their proof."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from tests.support.patrol import BY, open_dealer, open_price_book

from tongpan.cli.main import main
from tongpan.pricing.patrol.actions import PlanSpec, save_plan
from tongpan.pricing.patrol.models import Observation
from tongpan.risk.models import CodeSighting, DiversionScore, GoodsCode

pytestmark = pytest.mark.usefixtures("company")
PRICES = """商品编码,渠道,卖家类型,标价,优惠,巡查时间,卖家,链接
A,tmall,unauthorised,95.00,券15,2026-11-17 10:00:00,stranger,https://shop.example/1
A,tmall,competitor,92,,2026-11-17 10:05:00,rival,
A,tmall,friend,92,,2026-11-17 10:05:00,rival,
A,tmall,unauthorised,95.00,买一送一,2026-11-17 11:00:00,stranger,
NO,tmall,unauthorised,95.001,,2026-11-17 11:00:00,stranger,
"""
CODES = """goods_code,sku,dealer,shipped_at,kind,units
S1,A,d1,2026-11-01 10:00:00,,
L1,A,d1,2026-11-01 10:00:00,batch,50
S2,A,nobody,2026-11-01 10:00:00,,
"""
SIGHTINGS = """goods_code,seen_as,province,seen_at
S1,scan,北京,2026-11-05 10:00:00
S1,stolen,北京,2026-11-05 10:00:00
"""


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    """The commands run in the database of the test, which is there already."""
    from contextlib import nullcontext

    monkeypatch.setattr("tongpan.cli.session.database_session", lambda **more: nullcontext())


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_a_file_of_prices_goes_in_once_and_bad_rows_come_out_with_their_reasons(tmp_path):
    open_price_book()
    file = tmp_path / "prices.csv"
    file.write_text(PRICES, "utf-8")

    first = json.loads(run("patrol", "import", file, "--json"))
    second = json.loads(run("patrol", "import", file, "--json"))

    assert [first[name] for name in ("accepted", "unchanged", "rejected")] == [2, 0, 3]
    assert [second[name] for name in ("accepted", "unchanged", "rejected")] == [0, 2, 3]
    errors = (tmp_path / "prices.csv.errors.csv").read_text("utf-8-sig")
    for words in ("friend", "买一送一", "more decimals than CNY"):
        assert words in errors
    row = Observation.objects.get(seller="stranger")
    assert (row.effective_minor, row.finding, row.observer, row.source) == (8_000, "under_floor", "cli", "file")
    assert row.observed_at.isoformat() == "2026-11-17T02:00:00+00:00"


def test_what_is_due_is_listed(tmp_path):
    open_price_book()
    assert run("patrol", "due") == "Nothing is due.\n"
    save_plan(PlanSpec("weekly", ("A",), ("tmall",), 7, "wang", date(2026, 1, 1)), **BY)

    [row] = json.loads(run("patrol", "due", "--who", "wang", "--json"))

    assert (row["sku"], row["channel"], row["last_at"]) == ("A", "tmall", None)
    assert "A  tmall  wang" in run("patrol", "due")
    assert json.loads(run("patrol", "due", "--who", "li", "--json")) == []


def test_serials_come_by_file_and_scores_are_shown_and_proven(tmp_path):
    open_price_book()
    open_dealer()
    for name, text, told in (("codes", CODES, (2, 1)), ("sightings", SIGHTINGS, (1, 1))):
        file = tmp_path / f"{name}.csv"
        file.write_text(text, "utf-8")
        result = json.loads(run("import", file, "--no-wait", "--json"))
        assert (result["accepted"], result["rejected"]) == told
        assert json.loads(run("import", file, "--no-wait", "--json"))["unchanged"] == told[0]

    assert run("risk", "diversion") == "Nothing was scored yet; --look scores now.\n"
    [score] = json.loads(run("risk", "diversion", "--look", "--json"))

    assert (score["party"], score["level"]) == ("dealer:d1", "none")
    assert (GoodsCode.objects.count(), CodeSighting.objects.get().province) == (2, "北京市")
    row = DiversionScore.objects.get()
    assert f"Score {row.pk} is 0" in run("risk", "diversion", "--prove", row.pk)
    assert "There is no score 999." in run("risk", "diversion", "--prove", 999, code=1)
    assert "dealer:d1" in run("risk", "diversion")
