"""Users are made, get passwords and roles, and one administrator always remains."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate
from django.db import DatabaseError, connection

from tongpan.access.actions import Note, audit_many, create_user, set_password, set_role
from tongpan.access.models import AuditEntry, User
from tongpan.core.errors import Refusal

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
PASSWORD = "purple-Teapot-91"
pytestmark = pytest.mark.django_db


def make(username="wang", role="manager", password=PASSWORD, **more):
    return create_user(username, password, role, now=NOW, actor="cli", **more)


def test_a_user_signs_in_with_the_password():
    user = make(display_name="王芳")

    assert authenticate(username="wang", password=PASSWORD) == user
    assert (user.role, user.display_name, user.is_staff, user.is_superuser) == (
        "manager",
        "王芳",
        False,
        False,
    )
    assert AuditEntry.objects.values_list("actor", "action", "data").get() == (
        "cli",
        "user.created",
        {"username": "wang", "role": "manager"},
    )


def test_an_administrator_may_open_the_configuration_screens():
    user = make(role="administrator")

    assert (user.is_staff, user.is_superuser) == (True, True)


@pytest.mark.parametrize(
    ("username", "role", "password", "code"),
    [
        ("", "manager", PASSWORD, "user.name"),
        ("wang fang", "manager", PASSWORD, "user.name"),
        ("n" * 151, "manager", PASSWORD, "user.name"),
        ("wang\x00", "manager", PASSWORD, "user.name"),
        ("wang", "boss", PASSWORD, "user.role"),
        ("wang", "manager", "short", "user.password"),
        ("wang", "manager", "password123", "user.password"),
        ("taken", "manager", PASSWORD, "user.name_taken"),
    ],
)
def test_bad_users_are_refused_and_nothing_is_written(username, role, password, code):
    make("taken")

    with pytest.raises(Refusal) as refused:
        make(username, role, password)

    assert refused.value.code == code
    assert User.objects.count() == AuditEntry.objects.count() == 1


def test_a_new_password_replaces_the_old_one():
    make()

    set_password("wang", "green-Kettle-17", now=NOW, actor="cli")

    assert authenticate(username="wang", password=PASSWORD) is None
    assert authenticate(username="wang", password="green-Kettle-17").username == "wang"
    assert "Kettle" not in str(list(AuditEntry.objects.values()))


def test_the_only_administrator_keeps_the_role():
    make("root", "administrator")

    with pytest.raises(Refusal) as refused:
        set_role("root", "viewer", now=NOW, actor="cli")

    assert refused.value.code == "user.last_administrator"
    assert User.objects.get().role == "administrator"


def test_one_of_two_administrators_may_change_role():
    make("root", "administrator")
    make("wang", "administrator")

    set_role("root", "viewer", now=NOW, actor="cli")

    assert list(User.objects.order_by("username").values_list("username", "role", "is_superuser")) == [
        ("root", "viewer", False),
        ("wang", "administrator", True),
    ]


def test_the_audit_trail_is_written_in_one_statement(django_assert_num_queries):
    notes = [Note("stock.counted", "node", str(number), {"lines": number}) for number in range(50)]

    with django_assert_num_queries(1):
        audit_many(notes, actor="wang", now=NOW)

    assert AuditEntry.objects.count() == 50


@pytest.mark.parametrize("statement", ["UPDATE access_auditentry SET actor = 'x'", "DELETE FROM access_auditentry"])
def test_the_database_refuses_to_change_the_audit_trail(statement):
    make()

    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)
