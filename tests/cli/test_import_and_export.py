"""``tongpan import``, ``export`` and ``shop`` as a person or a script uses them."""

import json

import pytest
from click.testing import CliRunner

from tongpan.cli import session
from tongpan.cli.main import main
from tongpan.orders.models import Order

pytestmark = pytest.mark.django_db
TEXT = (
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    "1,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850,UK\n"
    "2,85123A,HOLDER,six,2010-12-01 08:26:00,2.55,17850,UK\n"
)


@pytest.fixture
def run(monkeypatch):
    """Runs a command on the test's database instead of starting one; readers are not waited for."""

    class Session:
        def __enter__(self):
            return session.configuration()

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(session, "database_session", Session)
    monkeypatch.setattr("tongpan.runtime.readers.catch_up", lambda progress=None: None)
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text(TEXT)
    return path


def test_the_result_is_one_json_document(run, lines):
    result = run("import", lines, "--shop", "gifts", "--json")

    assert result.exit_code == 0
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert [told[key] for key in ("rows", "accepted", "rejected", "unchanged")] == [2, 1, 1, 0]
    assert told["errors_file"] == f"{lines}.errors.csv"
    assert set(told["classes"]) == {"sale", "return", "adjustment", "correction", "charges"}
    assert isinstance(told["seconds"], float)


def test_a_person_gets_a_short_table(run, lines):
    result = run("import", lines, "--shop", "gifts")

    assert result.exit_code == 0
    assert "1  accepted" in result.stdout
    assert "sale" in result.stdout
    assert "15.30" in result.stdout
    assert "Made: channel gifts, shop gifts, node gifts" in result.stdout
    assert "lines.csv.errors.csv" in result.stdout


def test_a_dry_run_stores_nothing(run, lines):
    result = run("import", lines, "--shop", "gifts", "--dry-run")

    assert result.exit_code == 0
    assert result.stdout.startswith("Dry run, nothing was stored")
    assert Order.objects.count() == 0


def test_a_mapping_of_ones_own(run, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "{format: mine, title: {en: M, zh: M}, about: mine, columns: {n: Nr, at: Day, total: Sum}, key: n,"
        " document: {external_id: n, at: at, total: total}}"
    )
    (tmp_path / "own.csv").write_text("Nr;Day;Sum\n7;2025-01-01;9.99\n")

    result = run("import", tmp_path / "own.csv", "--mapping", tmp_path / "mine.yaml", "--shop", "s", "--json")

    assert json.loads(result.stdout)["classes"]["sale"]["amount"] == "9.99"
    assert Order.objects.get().currency == "CNY"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("import", "nowhere.csv", "--shop", "s"), 1, "There is no file nowhere.csv"),
        (("import", "nowhere.csv", "--format", "nope"), 1, "There is no format 'nope'"),
        (("import", "x", "--encoding", "klingon"), 1, "no known encoding"),
        (("import", "x", "--format", "uci", "--mapping", "m.yaml"), 2, "not both"),
        (("import",), 2, "FILE"),
        (("export", "secrets"), 2, "secrets"),
        (("export", "orders", "--format", "xlsx"), 2, "--out FILE"),
        (("export", "orders", "--from", "yesterday"), 2, "yesterday"),
        (("export", "orders", "--shop", "nope"), 1, "There is no shop 'nope'"),
        (("export", "orders", "--channel", "nope"), 1, "There is no channel 'nope'"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr(run, arguments, exit_code, words):
    result = run(*arguments)

    assert result.exit_code == exit_code
    assert words in result.stderr
    assert result.stdout == ""


def test_export_to_the_screen_and_to_a_file(run, lines, tmp_path):
    run("import", lines, "--shop", "gifts")

    screen = run("export", "lines", "--shop", "gifts")
    told = run("export", "orders", "--from", "2010-12-01", "--to", "2010-12-02", "--out", tmp_path / "o.xlsx", "--json")

    assert screen.stdout.splitlines()[1].startswith("sale,gifts,1,")
    assert json.loads(told.stdout) == {
        "table": "orders",
        "rows": 1,
        "format": "xlsx",
        "file": str(tmp_path / "o.xlsx"),
    }


def test_shops_are_created_and_listed(run):
    made = run("shop", "create", "eu", "--channel", "web", "--currency", "EUR", "--zone", "Europe/Berlin", "--json")
    twice = run("shop", "create", "eu")
    other = run("shop", "create", "us", "--channel", "web", "--currency", "USD")
    listed = json.loads(run("shop", "list", "--json").stdout)

    assert json.loads(made.stdout) == {"created": ["channel web", "shop eu"]}
    assert (twice.exit_code, "already" in twice.stderr) == (1, True)
    assert (other.exit_code, "sells in EUR" in other.stderr) == (1, True)
    assert [(shop["code"], shop["currency"], shop["zone"]) for shop in listed] == [("eu", "EUR", "Europe/Berlin")]
