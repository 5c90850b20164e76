"""The commands for keys, users and the vault, as a person or a script uses them."""

import json

import pytest
from click.testing import CliRunner
from django.contrib.auth import authenticate as sign_in

from tongpan.access.actions import authenticate
from tongpan.access.models import ApiKey, User
from tongpan.cli import session
from tongpan.cli.main import main
from tongpan.core.clock import utc_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(monkeypatch):
    """Runs a command on the test's database instead of starting one."""

    class Session:
        def __enter__(self):
            return session.configuration()

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(session, "database_session", Session)
    return lambda *arguments, stdin="": CliRunner().invoke(main, arguments, input=stdin)


def test_a_created_key_is_printed_alone_and_works(run):
    result = run("apikey", "create", "erp", "--scope", "orders.view", "--scope", "stock.edit")

    assert result.exit_code == 0
    assert authenticate(result.stdout.strip(), now=utc_now()).scopes == ["orders.view", "stock.edit"]
    assert "only time" in result.stderr


def test_a_key_without_scopes_reads_and_one_with_all_writes(run):
    read = json.loads(run("apikey", "create", "bi", "--json").stdout)
    every = json.loads(run("apikey", "create", "erp", "--all", "--json").stdout)

    assert {scope.split(".")[1] for scope in read["scopes"]} == {"view"}
    assert {scope.split(".")[1] for scope in every["scopes"]} == {"view", "edit", "run", "work", "approve", "publish"}
    assert read["key"].startswith("tp_")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("create", "erp", "--scope", "users.manage"), 1, "There is no scope users.manage"),
        (("create", "erp", "--scope", "orders.view", "--all"), 2, "not both"),
        (("create",), 2, "NAME"),
        (("revoke", "nobody"), 1, "There is no key called 'nobody'"),
    ],
)
def test_wrong_key_commands_say_what_is_wrong(run, arguments, exit_code, words):
    result = run("apikey", *arguments)

    assert result.exit_code == exit_code
    assert words in result.stderr
    assert result.stdout == ""
    assert not ApiKey.objects.exists()


def test_keys_are_listed_without_their_secret_and_revoked(run):
    key = run("apikey", "create", "erp").stdout.strip()

    assert run("apikey", "revoke", "erp").exit_code == 0
    listed = run("apikey", "list", "--json").stdout

    (row,) = json.loads(listed)
    assert (row["name"], row["prefix"], row["last_used_at"]) == ("erp", key[:11], None)
    assert row["revoked_at"] is not None
    assert key[12:] not in listed
    assert authenticate(key, now=utc_now()) is None


def test_a_user_gets_a_password_that_is_made_and_shown_once(run):
    result = run("user", "create", "wang", "--role", "manager", "--name", "王芳", "--json")

    made = json.loads(result.stdout)
    assert sign_in(username="wang", password=made["password"]).display_name == "王芳"
    assert run("user", "list").stdout == "wang  manager  王芳\n"


def test_a_password_is_read_from_standard_input_and_not_shown(run):
    result = run("user", "create", "wang", "--password-stdin", stdin="purple-Teapot-91\n")

    assert result.exit_code == 0
    assert "Teapot" not in result.output
    assert sign_in(username="wang", password="purple-Teapot-91").role == "viewer"


def test_a_password_is_changed(run):
    run("user", "create", "wang", "--password-stdin", stdin="purple-Teapot-91\n")

    assert run("user", "password", "wang", "--password-stdin", stdin="green-Kettle-17").exit_code == 0

    assert sign_in(username="wang", password="purple-Teapot-91") is None
    assert sign_in(username="wang", password="green-Kettle-17") is not None


@pytest.mark.parametrize(
    ("arguments", "stdin", "exit_code", "words"),
    [
        (("create", "wang", "--password-stdin"), "short\n", 1, "too short"),
        (("create", "wang", "--password", "purple-Teapot-91"), "", 2, "No such option"),
        (("create", "wang", "--role", "boss"), "", 2, "boss"),
        (("password", "nobody"), "", 1, "There is no user called 'nobody'"),
        (("role", "root", "viewer"), "", 1, "only administrator"),
    ],
)
def test_wrong_user_commands_say_what_is_wrong(run, arguments, stdin, exit_code, words):
    run("user", "create", "root", "--role", "administrator")

    result = run("user", *arguments, stdin=stdin)

    assert result.exit_code == exit_code
    assert words in result.stderr
    assert list(User.objects.values_list("username", "role")) == [("root", "administrator")]


def test_the_vault_says_which_key_seals(run):
    result = run("vault", "status", "--json")

    assert json.loads(result.stdout)["matches_database"] is True


def test_preset_channels_are_listed_and_added(run):
    presets = {one["code"]: one["name_zh"] for one in json.loads(run("channel", "presets", "--json").stdout)}
    assert presets["xiaohongshu"] == "小红书"
    assert run("channel", "list").stdout.startswith("There are no channels yet")

    assert run("channel", "add", "tmall", "jd").exit_code == 0
    assert run("channel", "add", "tmall").exit_code == 0

    listed = json.loads(run("channel", "list", "--json").stdout)
    assert [one["code"] for one in listed] == ["tmall", "jd"]
    assert "role.transaction" in listed[0]["facets"]


def test_an_unknown_preset_is_refused_and_none_is_added(run):
    result = run("channel", "add", "tmall", "nowhere")

    assert (result.exit_code, "nowhere" in result.stderr) == (1, True)
    assert run("channel", "list", "--json").stdout == "[]\n"
