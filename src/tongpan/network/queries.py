"""Reads of nodes and of which shop they serve."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db.models import Prefetch, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.network.models import Node, NodeKind, Service


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
    """All nodes by code, with the shops that each serves (three statements)."""
    services = Service.objects.select_related("shop").order_by("shop__code")
    return Node.objects.prefetch_related(Prefetch("services", services)).order_by("code")


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
