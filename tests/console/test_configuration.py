"""The configuration screens: only administrators, nothing deleted, everything through the rooms' actions."""

from __future__ import annotations

import re
from datetime import date, time

import pytest

from tongpan.access.actions import authenticate
from tongpan.access.models import ApiKey, AuditEntry, User
from tongpan.channels.actions import load_presets
from tongpan.core.clock import utc_now
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable
from tongpan.network.models import Node
from tongpan.network.queries import node_facts, staff_nodes, timetables_of

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


def test_a_node_gets_hours_limits_and_costs_and_shows_them(sign_in):
    client = sign_in("administrator")
    given = {
        "code": "sh-9",
        "kind": "store",
        "name": "九号店",
        "city": "上海",
        "zone": "Asia/Shanghai",
        "in_pool": "on",
        "order_limit": "40",
        "cut_off": "17:00",
        "base_cost": "6.50",
        "cost_currency": "CNY",
        "groups_text": "east fast",
        "territory_text": "上海 江苏",
        "facility_list": ["pickup", "return"],
        "monday": "09:00-12:00, 13:00-24:00",
        "special_days_text": "2026-10-01 closed",
    }

    refused = client.post("/admin/network/node/add/", given | {"tuesday": "nine to five"})
    assert refused.status_code == 200
    assert not Node.objects.exists()
    client.post("/admin/network/node/add/", given)

    node = Node.objects.get()
    assert node_facts([node.pk])[node.pk].rules == NodeRules(
        groups=("east", "fast"),
        order_limit=40,
        cut_off=time(17),
        base_cost_minor=650,
        cost_currency="CNY",
        territory=("上海", "江苏"),
        facilities=("pickup", "return"),
    )
    assert timetables_of([node.pk])[node.pk] == Timetable(
        ((0, time(9), time(12)), (0, time(13), time(0))), ((date(2026, 10, 1), None, None),)
    )
    page = client.get(f"/admin/network/node/{node.pk}/change/").content.decode()
    assert "09:00-12:00, 13:00-24:00" in page
    assert "2026-10-01 closed" in page


def test_an_administrator_says_where_a_person_works(sign_in):
    client = sign_in("administrator")
    save_nodes([NodeSpec("sh-1", "store", "一店"), NodeSpec("sh-2", "store", "二店")], actor="test", now=utc_now())
    clerk = User.objects.create(username="clerk", role="store")
    person = {"username": "clerk", "role": "store", "is_active": "on", "works_at": ["sh-2"]}

    client.post(f"/admin/access/user/{clerk.pk}/change/", person)

    assert staff_nodes([clerk.pk]) == {clerk.pk: ["sh-2"]}
    page = client.get(f"/admin/access/user/{clerk.pk}/change/").content.decode()
    assert '<option value="sh-2" selected>' in page


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_can_be_deleted(sign_in, screen):
    client = sign_in("administrator")
    pk = User.objects.get().pk

    answer = client.post(f"/admin/{screen}/{pk}/delete/", {"post": "yes"})

    assert answer.status_code in (302, 403)
    assert User.objects.count() == 1


def test_the_audit_trail_cannot_be_changed(sign_in):
    assert sign_in("administrator").get("/admin/access/auditentry/add/").status_code == 403
