"""The commands that connect shops to platforms; secrets come by standard input and are shown nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from tests.support.emulators.base import Emulator, running
from tests.support.emulators.taobao import TaobaoEmulator

from tongpan.access.models import AuditEntry
from tongpan.access.vault import open_sealed
from tongpan.cli import session
from tongpan.cli.main import main
from tongpan.connectors.accounts.models import Account
from tongpan.core.bulk import fetch_all

pytestmark = pytest.mark.usefixtures("company")
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the test's database instead of starting one."""

    class Session:
        def __enter__(self) -> object:
            return session.configuration()

        def __exit__(self, *error: object) -> None:
            return None

    monkeypatch.setattr(session, "database_session", Session)
    return lambda *arguments, stdin="": CliRunner().invoke(main, arguments, input=stdin)


@pytest.fixture
def taobao() -> Iterator[Emulator]:
    with running(TaobaoEmulator()) as emulator:
        yield emulator


SECRETS = "secret=app-secret\naccess_token=token-1\nrefresh_token=refresh-1\n"


def add(run: Run, emulator: Emulator, stdin: str = SECRETS, *more: str) -> Result:
    return run(
        "account", "add", "tm", "--platform", "taobao", "--endpoint", emulator.url, "--app-key", "app-1",
        "--secrets-stdin", *more, stdin=stdin,
    )  # fmt: skip


def test_an_account_is_added_checked_pulled_from_refreshed_and_removed(run: Run, taobao: Emulator) -> None:
    taobao.sell(2)
    assert add(run, taobao).exit_code == 0

    checked = json.loads(run("account", "check", "tm", "--json").stdout)
    pulled = json.loads(run("account", "pull", "tm", "--json").stdout)
    refreshed = run("account", "refresh", "tm")
    listed = json.loads(run("account", "list", "--json").stdout)
    removed = run("account", "remove", "tm")

    assert (checked["unreadable"], abs(checked["skew_seconds"]) < 5) == (0, True)
    assert pulled["accepted"] == 2
    assert refreshed.exit_code == 0
    assert taobao.tokens_given == 2
    assert [(row["shop"], row["health"], row["not_told"]) for row in listed] == [("tm", "good", 0)]
    assert removed.exit_code == 0
    assert Account.objects.count() == 0
    # Its orders stay.
    assert fetch_all("SELECT count(*) FROM orders_order") == [(2,)]


def test_secrets_are_sealed_and_shown_nowhere(run: Run, taobao: Emulator) -> None:
    added = add(run, taobao)
    listed = run("account", "list", "--json")

    row = Account.objects.get()
    assert b"app-secret" not in bytes(row.secret)
    assert open_sealed(row.secret) == "app-secret"
    trail = str(list(AuditEntry.objects.values_list("data", flat=True)))
    for secret in ("app-secret", "token-1", "refresh-1"):
        assert secret not in added.output + listed.output + trail
    entry = AuditEntry.objects.get(action="account.added")
    assert entry.data["secrets_given"] == ["access_token", "refresh_token", "secret"]


def test_what_is_not_given_again_stays(run: Run, taobao: Emulator) -> None:
    add(run, taobao, SECRETS, "--option", "carrier.SF=44")

    changed = run("account", "add", "tm", "--platform", "taobao", "--secrets-stdin", stdin="access_token=other\n")

    assert changed.exit_code == 0
    row = Account.objects.get()
    assert (row.endpoint, row.app_key, row.options) == (taobao.url, "app-1", {"carrier.SF": "44"})
    assert (open_sealed(row.secret), open_sealed(row.access_token)) == ("app-secret", "other")


def test_a_wrong_connection_is_told_in_a_sentence(run: Run, taobao: Emulator) -> None:
    add(run, taobao, SECRETS.replace("app-secret", "wrong"))

    result = run("account", "check", "tm")

    assert result.exit_code == 1
    assert result.stderr.startswith("tongpan: tm: Invalid signature")


@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "words"),
    [
        (("add", "tm", "--platform", "amazon"), "", 1, "Amazon's SP-API"),
        (("add", "tm", "--platform", "ebay"), "", 1, "There is no platform 'ebay'"),
        (("add", "tm", "--platform", "shopify"), "", 1, "an address of its own"),
        (("add", "tm", "--platform", "taobao", "--endpoint", "http://shop.example"), "", 1, "must begin with https"),
        (("add", "nowhere", "--platform", "taobao"), "", 1, "There is no shop 'nowhere'"),
        (("add", "tm", "--platform", "taobao", "--option", "x"), "", 2, "NAME=VALUE"),
        (("add", "tm", "--platform", "taobao", "--secrets-stdin"), "pin=1\n", 2, "There is no secret pin"),
        (("check", "tm"), "", 1, "has no account"),
        (("pull", "tm", "--until", "2026-11-18T16:30+08:00"), "", 1, "has no account"),
    ],
)
def test_wrong_account_commands_say_what_is_wrong(
    run: Run, arguments: tuple[str, ...], stdin: str, exit_code: int, words: str
) -> None:
    result = run("account", *arguments, stdin=stdin)

    assert result.exit_code == exit_code
    assert words in result.stderr
    assert Account.objects.count() == 0
