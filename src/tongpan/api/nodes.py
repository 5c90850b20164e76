"""Nodes: warehouses, stores and dealers that hold and ship goods."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Code, Degrees, Flag, In, Name80, Out, Text40, Text60
from tongpan.core.clock import DEFAULT_ZONE, utc_now
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeSpec
from tongpan.network.models import Node, NodeKind
from tongpan.network.queries import nodes

router = Router(tags=["nodes"])


class ServedShopOut(Out):
    shop: str
    takes_returns: bool


class NodeOut(Out):
    id: int
    code: str
    kind: NodeKind
    name: str
    city: str
    division: str = Field(description="Six-digit code of the administrative division (GB/T 2260)")
    latitude: float | None = Field(description="Degrees; GCJ-02 within China")
    longitude: float | None
    zone: str
    tracks_stock: bool = Field(description="False for a supplier who ships from its own stock")
    is_active: bool
    is_simulated: bool
    serves: list[ServedShopOut]


class NodeIn(In):
    kind: NodeKind
    name: Name80
    province: Text60 = Field("", description="Helps to find the city; not kept")
    city: Text60 = ""
    latitude: Degrees | None = Field(
        None, ge=-90, le=90, description="Both degrees or neither; without them they follow from the city"
    )
    longitude: Degrees | None = Field(None, ge=-180, le=180)
    zone: Text40 = DEFAULT_ZONE
    tracks_stock: Flag = True
    is_active: Flag = True


def _node(row: Node) -> NodeOut:
    return NodeOut(
        id=row.pk,
        code=row.code,
        kind=NodeKind(row.kind),
        name=row.name,
        city=row.city,
        division=row.division,
        latitude=row.latitude,
        longitude=row.longitude,
        zone=row.zone,
        tracks_stock=row.tracks_stock,
        is_active=row.is_active,
        is_simulated=row.is_simulated,
        serves=[
            ServedShopOut(shop=service.shop.code, takes_returns=service.takes_returns) for service in row.services.all()
        ],
    )


@read(router, "/nodes", "network.view", Page[NodeOut])
def list_nodes(request: HttpRequest, query: Query[PageQuery]) -> Page[NodeOut]:
    """All nodes, by code, with the shops they serve."""
    return page_of(nodes(), ["code"], query, _node)


@read(router, "/nodes/{code}", "network.view", NodeOut)
def get_node(request: HttpRequest, code: Path[Code]) -> NodeOut:
    """One node."""
    row = nodes().filter(code=code).first()
    if row is None:
        raise not_found("node", code)
    return _node(row)


@write(router, "PUT", "/nodes/{code}", "network.edit", NodeOut)
def put_node(request: HttpRequest, code: Path[Code], body: NodeIn) -> NodeOut:
    """Make or change a node."""
    before = nodes().filter(code=code).first()
    spec = NodeSpec(
        code=code,
        kind=body.kind,
        name=body.name,
        province=body.province,
        city=body.city,
        latitude=body.latitude,
        longitude=body.longitude,
        zone=body.zone,
        tracks_stock=body.tracks_stock,
        is_active=body.is_active,
        is_simulated=before.is_simulated if before else False,
    )
    save_nodes([spec], actor=actor_of(request), now=utc_now())
    return _node(nodes().get(code=code))
