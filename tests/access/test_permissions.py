"""What each role may do."""

import pytest
from django.contrib.auth.models import AnonymousUser

from tongpan.access.engine import ALL, CHANGES, OFFICE, PERMISSIONS, SCOPES
from tongpan.access.models import Role, User
from tongpan.access.queries import can


def test_every_role_has_permissions_that_exist():
    assert set(PERMISSIONS) == set(Role.values)
    assert all(permissions <= ALL for permissions in PERMISSIONS.values())


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("administrator", ["orders.edit", "users.manage", "customers.reveal"], []),
        ("manager", ["orders.edit", "customers.reveal"], ["users.manage", "keys.manage", "settings.edit"]),
        ("analyst", ["metrics.view", "data.export"], ["orders.edit", "customers.reveal"]),
        ("store", ["stock.edit", "orders.view"], ["orders.edit", "metrics.view", "data.export"]),
        ("viewer", ["orders.view", "metrics.view"], ["customers.view", "stock.edit", "data.export"]),
    ],
)
def test_roles(role, allowed, refused):
    user = User(username="wang", role=role)

    assert [permission for permission in allowed if not can(user, permission)] == []
    assert [permission for permission in refused if can(user, permission)] == []


def test_only_those_who_run_the_company_change_data():
    assert {role for role, permissions in PERMISSIONS.items() if permissions & CHANGES} == {
        "administrator",
        "manager",
        "store",
    }


def test_nobody_without_an_active_account_may_anything():
    inactive = User(username="wang", role="administrator", is_superuser=True, is_active=False)

    assert not any(can(user, permission) for user in (inactive, AnonymousUser()) for permission in ALL)


def test_a_key_never_has_an_office_permission():
    assert not SCOPES & OFFICE
