"""``tongpan routing``: policies, checking and publishing a file, and a dry run on past orders."""

import json

import pytest
from click.testing import CliRunner
from tests.support.company import DAY, NOW, paid, put
from tests.support.intake import take

from tongpan.cli.main import main
from tongpan.fulfillment.routing.queries import scopes_now

pytestmark = pytest.mark.usefixtures("company")
FAR = "rules:\n  - name: far\n    rank: [distance desc]\n"


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    from contextlib import nullcontext

    monkeypatch.setattr("tongpan.cli.session.database_session", lambda **more: nullcontext())


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["routing", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_a_file_is_checked_published_and_tried(tmp_path):
    put("sh", A=5)
    put("hz", A=5)
    take(paid("1", placed_at=NOW - DAY))
    file = tmp_path / "far.yaml"
    file.write_text(FAR, "utf-8")

    assert run("validate", file) == "far.yaml is a policy of 1 rules.\n"
    shown = run("dry-run", "--from", "2026-11-16", "--to", "2026-11-19", "--policy", file)
    assert "1 orders go another way" in shown or "0 orders go another way" in shown
    assert run("publish", "far", "--policy", file, "--channel", "tmall") == "Version 1 of far is published.\n"

    assert scopes_now() == {"channel:tmall": "far"}
    assert json.loads(run("policies", "--json"))[0]["scopes"] == ["channel:tmall"]
    assert run("show", "far").startswith("rules:\n- name: far\n")
    assert json.loads(run("show", "default-cn", "--json"))["version"] == 1


def test_a_file_with_problems_is_refused_with_all_of_them(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("rules:\n  - name: A\n    rank: [beauty]\n", "utf-8")

    output = run("validate", file, code=1)

    assert "rules[1].name: Give the rule a name" in output
    assert "rules[1].rank: 'beauty' is no rank" in output
    assert json.loads(run("validate", file, "--json", code=1).split("\ntongpan:")[0])["is_valid"] is False
