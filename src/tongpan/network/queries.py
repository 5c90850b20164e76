"""Reads of nodes and of which shop they serve."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, time
from typing import Any, NamedTuple

from django.db.models import Prefetch, QuerySet

from tongpan.access.models import Role, User
from tongpan.core.bulk import fetch_all
from tongpan.network.engine import NodeFacts, NodeRules, Timetable
from tongpan.network.hours import Hours, Opening
from tongpan.network.layout import Site
from tongpan.network.models import Node, NodeKind, OpeningHours, Service, SpecialDay, Staff


class ServingNode(NamedTuple):
    """A node that may ship the orders of a shop. latitude and longitude are degrees or None."""

    id: int
    code: str
    name: str
    kind: str
    latitude: float | None
    longitude: float | None
    tracks_stock: bool
    takes_returns: bool


def nodes() -> QuerySet[Node]:
    """All nodes by code, with the shops that each serves and its hours (four statements)."""
    return Node.objects.prefetch_related(
        Prefetch("services", Service.objects.select_related("shop").order_by("shop__code")),
        Prefetch("opening_hours", OpeningHours.objects.order_by("weekday", "opens")),
        Prefetch("special_days", SpecialDay.objects.order_by("day", "opens")),
    ).order_by("code")


def node_ids(codes: Sequence[str]) -> dict[str, int]:
    """code -> id of the nodes called ``codes``; those that do not exist are absent. One statement."""
    texts = [code for code in codes if "\x00" not in code]
    return dict(fetch_all("SELECT code, id FROM network_node WHERE code = ANY(%s)", [texts]))


def serving_nodes(shop_ids: Sequence[int]) -> dict[int, list[ServingNode]]:
    """shop id -> the active nodes that serve it, by code; every shop asked for is there. One statement."""
    found: dict[int, list[ServingNode]] = {shop_id: [] for shop_id in shop_ids}
    rows = fetch_all(
        """SELECT v.shop_id, n.id, n.code, n.name, n.kind, n.latitude, n.longitude, n.tracks_stock,
             v.takes_returns
           FROM network_service v JOIN network_node n ON n.id = v.node_id
           WHERE v.shop_id = ANY(%s) AND n.is_active ORDER BY v.shop_id, n.code""",
        [list(shop_ids)],
    )
    for shop_id, *node in rows:
        found[shop_id].append(ServingNode(*node))
    return found


def returns_nodes(shop_ids: Sequence[int]) -> dict[int, int]:
    """shop id -> the id of the active node that takes its returns; a shop without one is absent."""
    return dict(
        fetch_all(
            """SELECT v.shop_id, v.node_id FROM network_service v JOIN network_node n ON n.id = v.node_id
               WHERE v.shop_id = ANY(%s) AND v.takes_returns AND n.is_active""",
            [list(shop_ids)],
        )
    )


def nodes_by_code(codes: Collection[str]) -> dict[str, Node]:
    """The nodes of ``codes`` that exist, by code."""
    return {node.code: node for node in Node.objects.filter(code__in=codes)}


def node_by_id(node_id: int) -> Node:
    """Raises Node.DoesNotExist."""
    return Node.objects.get(pk=node_id)


def active_nodes() -> list[Node]:
    """Every active place: warehouses first, then stores, counters and dealers, by code."""
    rank = {kind: position for position, kind in enumerate(NodeKind.values)}
    places = Node.objects.filter(is_active=True).exclude(kind=NodeKind.IN_TRANSIT)
    return sorted(places, key=lambda node: (rank[node.kind], node.code))


def services_of_channel(channel_id: int) -> list[Service]:
    """Which node serves which shop of a channel, with both."""
    rows = Service.objects.filter(shop__channel_id=channel_id).select_related("shop", "node")
    return list(rows.order_by("shop__code", "node__code"))


def node_facts(node_ids: Collection[int] | None = None) -> dict[int, NodeFacts]:
    """id -> the node with its rules; of all nodes when ``node_ids`` is None. One statement."""
    rows = fetch_all(
        """SELECT id, code, name, kind, city, division, latitude, longitude, zone, tracks_stock, is_active,
             groups, order_limit, accept_minutes, cut_off, base_cost_minor, cost_per_km_minor, cost_currency,
             priority, territory, facilities, in_pool
           FROM network_node WHERE %(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]) ORDER BY id""",
        {"ids": None if node_ids is None else list(node_ids)},
    )
    facts: dict[int, NodeFacts] = {}
    for row in rows:
        values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
        facts[row[0]] = NodeFacts(*values[:11], *[NodeRules(*values[11:])])
    return facts


def sites_of(facility: str = "") -> list[Site]:
    """Active stores, counters and dealers with a point, by code; with ``facility`` only those that have it."""
    kinds = (NodeKind.STORE, NodeKind.COUNTER, NodeKind.DEALER)
    rows = Node.objects.filter(is_active=True, kind__in=kinds, latitude__isnull=False).order_by("code")
    if facility:
        rows = rows.filter(facilities__contains=[facility])
    found = rows.values_list("code", "name", "latitude", "longitude", "facilities")
    return [
        Site(code, name, latitude or 0.0, longitude or 0.0, tuple(own))
        for code, name, latitude, longitude, own in found
    ]


def timetables_of(node_ids: Collection[int]) -> dict[int, Timetable]:
    """node id -> its hours as they were saved, in order; every node asked for is there. Two statements."""
    week: dict[int, list[tuple[int, time, time]]] = {node_id: [] for node_id in node_ids}
    special: dict[int, list[tuple[date, time | None, time | None]]] = {node_id: [] for node_id in node_ids}
    openings = OpeningHours.objects.filter(node__in=list(node_ids)).order_by("weekday", "opens")
    for node_id, weekday, opens, closes in openings.values_list("node_id", "weekday", "opens", "closes"):
        week[node_id].append((weekday, opens, closes))
    days = SpecialDay.objects.filter(node__in=list(node_ids)).order_by("day", "opens")
    for node_id, day, starts, ends in days.values_list("node_id", "day", "opens", "closes"):
        special[node_id].append((day, starts, ends))
    return {node_id: Timetable(tuple(week[node_id]), tuple(special[node_id])) for node_id in week}


def hours_of(node_ids: Collection[int]) -> dict[int, Hours]:
    """node id -> when it is open, in its time zone; a node that does not exist is absent. Three statements."""
    zones = dict(fetch_all("SELECT id, zone FROM network_node WHERE id = ANY(%s)", [list(node_ids)]))
    return {node_id: _hours(table, zones[node_id]) for node_id, table in timetables_of(list(zones)).items()}


def _hours(table: Timetable, zone: str) -> Hours:
    week: dict[int, tuple[Opening, ...]] = {}
    special: dict[date, tuple[Opening, ...]] = {}
    for weekday, opens, closes in table.week:
        week[weekday] = (*week.get(weekday, ()), (opens, closes))
    for day, starts, ends in table.special:
        opening = () if starts is None or ends is None else ((starts, ends),)
        special[day] = (*special.get(day, ()), *opening)
    return Hours(week, special, zone)


def nodes_of(user_id: int) -> set[int] | None:
    """The ids of the nodes at which store staff may work; None, which is all, for everybody of another role.

    A person who does not exist or is not active works nowhere. One or two statements.
    """
    user = User.objects.filter(pk=user_id, is_active=True).only("role", "is_superuser").first()
    if user is None:
        return set()
    if user.is_superuser or user.role != Role.STORE:
        return None
    return set(Staff.objects.filter(user_id=user_id).values_list("node_id", flat=True))


def staff_nodes(user_ids: Collection[int]) -> dict[int, list[str]]:
    """user id -> the codes of the nodes at which the person works; every person asked for is there. One statement."""
    found: dict[int, list[str]] = {user_id: [] for user_id in user_ids}
    rows = Staff.objects.filter(user__in=list(user_ids)).order_by("node__code")
    for user_id, code in rows.values_list("user_id", "node__code"):
        found[user_id].append(code)
    return found
