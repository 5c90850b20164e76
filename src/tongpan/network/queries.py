"""Reads of nodes and of which shop they serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Prefetch, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.network.models import Node, Service


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
