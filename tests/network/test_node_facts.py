"""What routing and stores know of a node: rules, hours, staff."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from django.db import IntegrityError, transaction

from tongpan.access.models import AuditEntry, User
from tongpan.core.errors import Refusal
from tongpan.network.actions import save_nodes, set_staff, transit_node
from tongpan.network.engine import NodeRules, NodeSpec, Timetable, groups_of, ships_to
from tongpan.network.models import Node, OpeningHours, SpecialDay
from tongpan.network.queries import hours_of, node_facts, nodes_of, staff_nodes, timetables_of

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}
RULES = NodeRules(
    groups=("east", "fast"),
    order_limit=50,
    accept_minutes=30,
    cut_off=time(17),
    base_cost_minor=600,
    cost_per_km_minor=2,
    cost_currency="CNY",
    priority=3,
    territory=("浙江", "3101"),
    facilities=("pickup", "return"),
    in_pool=False,
)
HOURS = Timetable(
    ((0, time(9), time(12)), (0, time(13), time(2))),
    ((date(2026, 10, 1), None, None), (date(2026, 10, 2), time(12), time(16))),
)
STORE = NodeSpec("sh-1", "store", "上海一店", city="上海")


@pytest.mark.django_db
def test_a_node_without_facts_is_as_it_always_was():
    ids = save_nodes([STORE], **BY)
    transit = transit_node()
    node_id = ids["sh-1"]

    facts = node_facts()

    assert sorted(facts) == sorted([node_id, transit])
    assert facts[node_id].rules == facts[transit].rules == NodeRules()
    assert facts[node_id].rules.in_pool
    assert hours_of([node_id, 10**9]).keys() == {node_id}
    assert hours_of([node_id])[node_id].is_open(NOW)
    assert timetables_of([node_id]) == {node_id: Timetable((), ())}


@pytest.mark.django_db
def test_facts_are_kept_and_stay_when_a_later_save_does_not_name_them(django_assert_max_num_queries):
    ids = save_nodes([replace(STORE, rules=RULES, hours=HOURS), replace(STORE, code="b")], **BY)
    with django_assert_max_num_queries(14):
        save_nodes([replace(STORE, name="新店"), replace(STORE, code="b", rules=RULES, hours=HOURS)], **BY)

    facts, tables = node_facts(list(ids.values())), timetables_of(list(ids.values()))

    assert [facts[ids[code]].rules for code in ("sh-1", "b")] == [RULES, RULES]
    assert [tables[ids[code]] for code in ("sh-1", "b")] == [HOURS, HOURS]
    assert facts[ids["sh-1"]].name == "新店"
    assert not hours_of([ids["b"]])[ids["b"]].is_open(datetime(2026, 10, 1, 8, 0, tzinfo=UTC))


@pytest.mark.django_db
def test_rules_and_hours_that_are_named_replace_those_before():
    ids = save_nodes([replace(STORE, rules=RULES, hours=HOURS)], **BY)
    save_nodes([replace(STORE, rules=NodeRules(), hours=Timetable())], **BY)

    assert node_facts([ids["sh-1"]])[ids["sh-1"]].rules == NodeRules()
    assert not OpeningHours.objects.exists()
    assert not SpecialDay.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"groups": ("two words",)}, "node.group"),
        ({"groups": ("a", "a")}, "node.rules"),
        ({"facilities": ("sauna",)}, "node.facility"),
        ({"territory": ("",)}, "node.territory"),
        ({"order_limit": -1}, "node.order_limit"),
        ({"accept_minutes": 0}, "node.accept_minutes"),
        ({"priority": 10**7}, "node.priority"),
        ({"base_cost_minor": -1}, "node.cost"),
        ({"cost_currency": ""}, "node.cost"),
        ({"cost_currency": "yuan"}, "node.cost"),
    ],
)
def test_rules_that_cannot_be_are_refused_and_nothing_is_written(change, code):
    with pytest.raises(Refusal) as refused:
        save_nodes([STORE, replace(STORE, code="b", rules=replace(RULES, **change))], **BY)

    assert refused.value.code == code
    assert not Node.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "hours",
    [
        Timetable(((7, time(9), time(12)),)),
        Timetable(((0, time(9), time(12)), (0, time(11), time(13)))),
        Timetable(((0, time(9), time(2)), (0, time(11), time(13)))),
        Timetable((), ((date(2026, 10, 1), None, None), (date(2026, 10, 1), time(9), time(12)))),
        Timetable((), ((date(2026, 10, 1), time(9), None),)),
    ],
)
def test_hours_that_cannot_be_are_refused(hours):
    with pytest.raises(Refusal) as refused:
        save_nodes([replace(STORE, hours=hours)], **BY)

    assert refused.value.code == "node.hours"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"order_limit": -1}, {"accept_minutes": 0}, {"base_cost_minor": 5, "cost_currency": ""}]
)
def test_the_database_refuses_rules_that_cannot_be(change):
    save_nodes([STORE], **BY)

    with pytest.raises(IntegrityError), transaction.atomic():
        Node.objects.update(**change)


def test_a_node_without_groups_belongs_to_that_of_its_kind():
    assert groups_of("central", ()) == groups_of("sub_warehouse", ()) == ("warehouses",)
    assert groups_of("store", ()) == groups_of("counter", ()) == ("ship-from-store",)
    assert groups_of("dealer", ()) == ("dealers",)
    assert groups_of("store", ("east",)) == ("east",)
    assert groups_of("supplier", ()) == ()


@pytest.mark.parametrize(
    ("territory", "address", "is_in"),
    [
        ((), ("Bahia", "Salvador"), True),
        (("浙江",), ("浙江省", "杭州市", "西湖区"), True),
        (("杭州",), ("浙江省", "杭州市"), True),
        (("杭州",), ("浙江省", "宁波市"), False),
        (("杭州",), ("浙江省", ""), False),
        (("3301",), ("浙江", "杭州", "西湖"), True),
        (("330100",), ("浙江", "杭州", "西湖"), True),
        (("西湖区",), ("浙江", "杭州", "西湖区"), True),
        (("上海", "江苏"), ("江苏", "南京", "鼓楼区"), True),
        (("徐州",), ("江苏", "南京", "鼓楼区"), False),
        (("上海",), ("", "somewhere"), False),
        (("Bahia",), ("Bahia", "Salvador"), True),
        (("Bahia",), ("浙江", "杭州"), False),
    ],
)
def test_an_address_lies_in_a_territory_by_name_or_by_division(territory, address, is_in):
    assert ships_to(territory, *address) is is_in


@pytest.mark.django_db
def test_store_staff_work_at_their_nodes_and_others_everywhere():
    ids = save_nodes([STORE, replace(STORE, code="b"), replace(STORE, code="c")], **BY)
    clerk = User.objects.create(username="clerk", role="store")
    manager = User.objects.create(username="manager", role="manager")
    gone = User.objects.create(username="gone", role="manager", is_active=False)

    set_staff("clerk", ["sh-1", "b"], **BY)
    set_staff("clerk", ["b", "c", "c"], **BY)
    set_staff("manager", ["b"], **BY)

    assert nodes_of(clerk.pk) == {ids["b"], ids["c"]}
    assert nodes_of(manager.pk) is None
    assert nodes_of(gone.pk) == nodes_of(10**9) == set()
    assert staff_nodes([clerk.pk, gone.pk]) == {clerk.pk: ["b", "c"], gone.pk: []}
    assert AuditEntry.objects.filter(action="staff.saved").count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "codes", "code"), [("nobody", [], "staff.user"), ("clerk", ["x"], "staff.node")])
def test_unknown_people_and_nodes_are_refused(name, codes, code):
    save_nodes([STORE], **BY)
    clerk = User.objects.create(username="clerk", role="store")
    set_staff("clerk", ["sh-1"], **BY)

    with pytest.raises(Refusal) as refused:
        set_staff(name, codes, **BY)

    assert refused.value.code == code
    assert staff_nodes([clerk.pk]) == {clerk.pk: ["sh-1"]}
