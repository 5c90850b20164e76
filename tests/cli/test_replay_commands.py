"""``tongpan replay``: past orders through a draft, kept, shown and compared."""

import json

import pytest
from click.testing import CliRunner
from tests.support.company import ACTOR, DAY, NOW, goods, paid, put
from tests.support.intake import take

from tongpan.cli.main import main
from tongpan.orders.models import ReplayRun
from tongpan.promotions.actions import save_draft

pytestmark = pytest.mark.usefixtures("company")
DAYS = ("--from", "2026-11-16", "--to", "2026-11-20")


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    from contextlib import nullcontext

    monkeypatch.setattr("tongpan.cli.session.database_session", lambda **more: nullcontext())


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["replay", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def draft(name, percent):
    rule = {"code": "off", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": percent}}
    save_draft(name, {"rules": [rule]}, actor=ACTOR, now=NOW)


def test_orders_are_replayed_listed_shown_and_compared():
    put("sh", A=5)
    take(paid("1", goods("A", 1, 1_000), placed_at=NOW - DAY))
    draft("ten", 10)
    draft("half", 50)

    told = run("--rulebook", "ten", *DAYS)
    given = json.loads(run("--rulebook", "half", *DAYS, "--name", "Half", "--tier", "gold=5000", "--json"))

    assert "Revenue of goods                           10.00                9.00" in told
    assert "1 of 1 orders change. Kept as replay" in told
    assert (given["name"], given["result"]["after"]["revenue_minor"]) == ("Half", 500)
    ten, half = ReplayRun.objects.order_by("id")
    assert half.tiers == {"gold": 5_000}
    assert [line.split()[0] for line in run("list").splitlines()] == [str(half.pk), str(ten.pk)]
    assert run("show", ten.pk) == told
    both = run("compare", ten.pk, half.pk)
    assert "Revenue of goods                           10.00                9.00                5.00" in both


def test_what_is_missing_or_unknown_is_said():
    assert "Name --rulebook, --from and --to" in run("--rulebook", "ten", code=2)
    assert "gold is not TIER=AMOUNT" in run("--rulebook", "t", *DAYS, "--tier", "gold", code=2).replace("'", "")
    assert run("--rulebook", "nobody", *DAYS, code=1) == "tongpan: There is no draft 'nobody' of the rulebook.\n"
    assert run("show", 9, code=1) == "tongpan: There is no replay 9.\n"
