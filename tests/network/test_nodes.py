"""Nodes and which shop they serve."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from tongpan.access.models import AuditEntry
from tongpan.channels.actions import save_channel, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.core.errors import Refusal
from tongpan.network.actions import save_nodes, save_services, set_services
from tongpan.network.engine import NodeSpec, ServiceSpec
from tongpan.network.models import Node, Service
from tongpan.network.queries import ServingNode, node_ids, returns_nodes, serving_nodes

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}
STORE = NodeSpec("sh-1", "store", "上海一店", city="上海")
pytestmark = pytest.mark.django_db


@pytest.fixture
def shops():
    save_channel(ChannelSpec("tmall", "天猫", "Tmall"), **BY)
    ids = save_shops([ShopSpec("a", "tmall", "A"), ShopSpec("b", "tmall", "B")], **BY)
    save_nodes([STORE, replace(STORE, code="hz-1", city="杭州"), replace(STORE, code="old", is_active=False)], **BY)
    return ids


def test_a_node_gets_the_point_of_its_city():
    save_nodes([STORE], **BY)

    assert Node.objects.values_list("division", "latitude", "longitude").get() == (
        "310000",
        31.230372,
        121.473662,
    )


def test_a_point_that_is_given_stays():
    save_nodes([replace(STORE, latitude=31.1, longitude=121.2)], **BY)

    assert Node.objects.values_list("division", "latitude", "longitude").get() == ("", 31.1, 121.2)


def test_an_unknown_city_leaves_the_node_without_a_point():
    save_nodes([replace(STORE, city="Curitiba")], **BY)

    assert Node.objects.values_list("city", "latitude").get() == ("Curitiba", None)


def test_saving_again_changes_the_same_node():
    first = save_nodes([STORE], **BY)
    second = save_nodes([replace(STORE, name="上海新店", tracks_stock=False, is_active=False)], **BY)

    assert first == second == node_ids(["sh-1", "nobody", "\x00"])
    assert Node.objects.values_list("name", "tracks_stock", "is_active").get() == (
        "上海新店",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "上海"}, "node.code"),
        ({"name": ""}, "node.name"),
        ({"city": "x" * 61}, "node.name"),
        ({"kind": "shed"}, "node.kind"),
        ({"latitude": 31.0}, "node.point"),
        ({"latitude": 91.0, "longitude": 0.0}, "node.point"),
        ({"latitude": math.nan, "longitude": 0.0}, "node.point"),
        ({"zone": "Mars/Olympus"}, "node.zone"),
        ({"code": "hz-1"}, "node.twice"),
    ],
)
def test_a_bad_node_is_refused_and_the_whole_batch_with_it(change, code):
    with pytest.raises(Refusal) as refused:
        save_nodes([replace(STORE, code="hz-1"), replace(STORE, **change)], **BY)

    assert refused.value.code == code
    assert not Node.objects.exists()


def test_a_shop_is_served_by_exactly_the_active_nodes_named(shops, django_assert_num_queries):
    set_services("a", ["sh-1", "hz-1", "old"], "hz-1", **BY)
    set_services("a", ["sh-1", "old"], "sh-1", **BY)
    set_services("b", ["hz-1"], **BY)
    ids = node_ids(["sh-1", "hz-1"])

    with django_assert_num_queries(1):
        found = serving_nodes([shops["a"], shops["b"], 999])

    assert found == {
        shops["a"]: [ServingNode(ids["sh-1"], "sh-1", "上海一店", "store", 31.230372, 121.473662, True, True)],
        shops["b"]: [ServingNode(ids["hz-1"], "hz-1", "上海一店", "store", 30.24692, 120.209789, True, False)],
        999: [],
    }
    assert returns_nodes([shops["a"], shops["b"]]) == {shops["a"]: ids["sh-1"]}


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (ServiceSpec("nobody", ["sh-1"]), "service.shop"),
        (ServiceSpec("b", ["nowhere"]), "service.node"),
        (ServiceSpec("b", ["sh\x00"]), "service.node"),
        (ServiceSpec("b", ["sh-1"], "hz-1"), "service.returns_node"),
        (ServiceSpec("a", ["sh-1"]), "service.twice"),
    ],
)
def test_bad_services_are_refused_and_those_before_stay(shops, spec, code):
    set_services("a", ["sh-1"], **BY)
    notes = AuditEntry.objects.count()

    with pytest.raises(Refusal) as refused:
        save_services([ServiceSpec("a", ["hz-1"]), spec], **BY)

    assert refused.value.code == code
    assert list(Service.objects.values_list("shop__code", "node__code")) == [("a", "sh-1")]
    assert AuditEntry.objects.count() == notes


def test_the_database_allows_one_returns_node_of_a_shop(shops):
    set_services("a", ["sh-1", "hz-1"], "sh-1", **BY)

    with pytest.raises(IntegrityError), transaction.atomic():
        Service.objects.update(takes_returns=True)


def test_the_number_of_statements_does_not_grow_with_the_batch(shops, django_assert_num_queries):
    many = [replace(STORE, code=f"n{number}") for number in range(50)]

    with django_assert_num_queries(5):  # three and the savepoint around them
        save_nodes(many, **BY)
    with django_assert_num_queries(8):  # six and the savepoint around them
        save_services([ServiceSpec(shop, [node.code for node in many], "n0") for shop in ("a", "b")], **BY)
