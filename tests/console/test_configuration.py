"""The configuration screens: only administrators, nothing deleted, everything through the rooms' actions."""

from __future__ import annotations

import re

import pytest

from tongpan.access.actions import authenticate
from tongpan.access.models import ApiKey, AuditEntry, User
from tongpan.channels.actions import load_presets
from tongpan.core.clock import utc_now
from tongpan.network.models import Node

PASSWORD = "a long enough sentence"
SCREENS = ["access/user", "access/apikey", "access/auditentry", "channels/facet", "network/node"]


@pytest.mark.parametrize("screen", [*SCREENS, "procrastinate/procrastinatejob"])
def test_administrators_open_every_screen(sign_in, screen):
    load_presets(["tmall"])

    assert sign_in("administrator").get(f"/admin/{screen}/").status_code == 200


@pytest.mark.parametrize("role", ["manager", "analyst", "store", "viewer"])
def test_other_roles_open_none(sign_in, role):
    answer = sign_in(role).get("/admin/access/user/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_a_user_is_made_with_a_role_and_it_is_audited(sign_in):
    client = sign_in("administrator")
    fields = {"username": "mei", "display_name": "梅", "role": "manager", "language": "zh-hans"}

    client.post("/admin/access/user/add/", {**fields, "password1": PASSWORD, "password2": PASSWORD})

    made = User.objects.get(username="mei")
    assert (made.role, made.language, made.is_staff, made.is_superuser) == ("manager", "zh-hans", False, False)
    assert made.check_password(PASSWORD)
    assert AuditEntry.objects.filter(action="user.created", object_id=str(made.pk), actor="user:administrator").exists()


def test_a_new_administrator_may_open_the_configuration(sign_in, person):
    client = sign_in("administrator")
    other = person("viewer")

    client.post(
        f"/admin/access/user/{other.pk}/change/", {"username": "viewer", "role": "administrator", "is_active": "on"}
    )

    other.refresh_from_db()
    assert (other.role, other.is_staff, other.is_superuser) == ("administrator", True, True)
    assert list(AuditEntry.objects.filter(action="user.role_set").values_list("data", flat=True)) == [
        {"username": "viewer", "from": "viewer", "to": "administrator"}
    ]


@pytest.mark.parametrize("change", [{"role": "viewer", "is_active": "on"}, {"role": "administrator"}])
def test_the_last_administrator_stays(sign_in, change):
    client = sign_in("administrator")
    head = User.objects.get(username="administrator")

    answer = client.post(f"/admin/access/user/{head.pk}/change/", {"username": "administrator", **change}, follow=True)

    head.refresh_from_db()
    assert (head.role, head.is_active, head.is_staff) == ("administrator", True, True)
    assert "only administrator" in answer.content.decode()
    assert not AuditEntry.objects.exists(), "nothing was written"


def test_a_key_is_shown_once_works_and_can_be_revoked(sign_in):
    client = sign_in("administrator")

    page = client.post(
        "/admin/access/apikey/add/", {"name": "shop", "scopes": ["orders.view"]}, follow=True
    ).content.decode()
    key = re.search(r"tp_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", page)[0]
    assert authenticate(key, now=utc_now()).scopes == ["orders.view"]
    assert key not in client.get("/admin/access/apikey/").content.decode()

    row = ApiKey.objects.get()
    client.post("/admin/access/apikey/", {"action": "revoke", "_selected_action": [row.pk]})
    assert authenticate(key, now=utc_now()) is None


def test_a_node_gets_its_point_from_its_city(sign_in):
    client = sign_in("administrator")

    client.post(
        "/admin/network/node/add/",
        {"code": "sh-9", "kind": "store", "name": "九号店", "city": "上海", "zone": "Asia/Shanghai", "is_active": "on"},
    )

    node = Node.objects.get()
    assert (node.code, round(node.latitude, 2), node.tracks_stock) == ("sh-9", 31.23, False)


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_can_be_deleted(sign_in, screen):
    client = sign_in("administrator")
    pk = User.objects.get().pk

    answer = client.post(f"/admin/{screen}/{pk}/delete/", {"post": "yes"})

    assert answer.status_code in (302, 403)
    assert User.objects.count() == 1


def test_the_audit_trail_cannot_be_changed(sign_in):
    assert sign_in("administrator").get("/admin/access/auditentry/add/").status_code == 403
