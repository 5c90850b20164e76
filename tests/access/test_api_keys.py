"""API keys are shown once, kept as a digest, and end when they are revoked."""

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.access.actions import authenticate, create_api_key, revoke_api_key
from tongpan.access.models import ApiKey, AuditEntry
from tongpan.core.errors import Refusal

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def make(name="erp", scopes=("stock.view", "orders.view")):
    return create_api_key(name, scopes, now=NOW, actor="cli")


def test_a_new_key_is_kept_as_a_digest_only():
    key = make()

    row = ApiKey.objects.get()
    assert (row.name, row.scopes, row.created_at) == ("erp", ["orders.view", "stock.view"], NOW)
    assert key.startswith(row.prefix + "_")
    assert len(key) == 3 + 8 + 1 + 43
    secret = key.removeprefix(row.prefix)
    assert all(secret not in str(value) for value in ApiKey.objects.values_list().get())
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.object_id) == ("cli", "apikey.created", str(row.pk))
    assert secret not in str(entry.data)


def test_a_key_authenticates_until_it_is_revoked():
    key = make()

    assert authenticate(key, now=NOW) == ApiKey.objects.get()
    revoke_api_key("erp", now=NOW, actor="cli")
    assert authenticate(key, now=NOW) is None
    assert ApiKey.objects.get().revoked_at == NOW


def test_revoking_twice_keeps_the_first_time_and_is_noted_once():
    make()
    revoke_api_key("erp", now=NOW, actor="cli")

    revoke_api_key("erp", now=NOW + timedelta(days=1), actor="cli")

    assert ApiKey.objects.get().revoked_at == NOW
    assert AuditEntry.objects.filter(action="apikey.revoked").count() == 1


@pytest.mark.parametrize(
    "change",
    [str.upper, lambda key: key[:-1], lambda key: key[:-1] + "!", lambda key: "tp_\x00", lambda key: ""],
)
def test_anything_but_the_key_is_nobody(change):
    key = make()

    assert authenticate(change(key), now=NOW) is None
    assert ApiKey.objects.get().last_used_at is None


def test_the_last_use_is_noted_at_most_once_a_minute(django_assert_num_queries):
    key = make()
    authenticate(key, now=NOW)

    with django_assert_num_queries(1):
        authenticate(key, now=NOW + timedelta(seconds=59))
    assert ApiKey.objects.get().last_used_at == NOW

    authenticate(key, now=NOW + timedelta(seconds=60))
    assert ApiKey.objects.get().last_used_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("name", "scopes", "code"),
    [
        ("", ["orders.view"], "apikey.name"),
        ("n" * 81, ["orders.view"], "apikey.name"),
        ("erp", [], "apikey.scopes"),
        ("erp", ["orders.view", "users.manage"], "apikey.scopes"),
        ("taken", ["orders.view"], "apikey.name_taken"),
    ],
)
def test_bad_keys_are_refused_and_nothing_is_written(name, scopes, code):
    make("taken")

    with pytest.raises(Refusal) as refused:
        make(name, scopes)

    assert refused.value.code == code
    assert ApiKey.objects.count() == AuditEntry.objects.count() == 1


def test_revoking_an_unknown_key_is_refused():
    with pytest.raises(Refusal) as refused:
        revoke_api_key("nobody", now=NOW, actor="cli")

    assert refused.value.code == "apikey.unknown"
