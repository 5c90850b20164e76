"""What a node must look like. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tongpan.core.clock import DEFAULT_ZONE, zone_names
from tongpan.core.errors import Refusal
from tongpan.network.geography import locate

NODE_KINDS = ("central", "sub_warehouse", "store", "counter", "dealer", "supplier")
TRANSIT_CODE = "in-transit"
"""The code of the node that is no place: goods on their way."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node as it shall be.

    latitude, longitude: degrees, both or neither; without them they follow from province and city where these
    name one place of China. province helps to find the city and is not kept. tracks_stock: False for a
    supplier who ships from its own stock.
    """

    code: str
    kind: str
    name: str
    province: str = ""
    city: str = ""
    division: str = ""
    latitude: float | None = None
    longitude: float | None = None
    zone: str = DEFAULT_ZONE
    tracks_stock: bool = True
    is_active: bool = True
    is_simulated: bool = False


class ServiceSpec(NamedTuple):
    """Which nodes serve a shop, and where its returns go ("" when returns go nowhere by themselves)."""

    shop_code: str
    node_codes: Sequence[str]
    returns_node: str = ""


def placed(spec: NodeSpec) -> NodeSpec:
    """``spec`` with the point and division of its city where it has no point of its own."""
    if spec.latitude is not None or not spec.city:
        return spec
    place = locate(spec.province, spec.city)
    if place is None:
        return spec
    return replace(spec, latitude=place.latitude, longitude=place.longitude, division=spec.division or place.code)


def check_node(spec: NodeSpec) -> None:
    """Raises Refusal node.* when ``spec`` cannot be a node."""
    if not _CODE.fullmatch(spec.code):
        raise Refusal(
            "node.code",
            f"{spec.code!r} cannot be the code of a node: 1 to 60 letters, digits, dots, underscores and "
            "hyphens, beginning with a letter or digit.",
        )
    for what, text, least, most in (
        ("name", spec.name, 1, 80),
        ("city", spec.city, 0, 60),
        ("division", spec.division, 0, 12),
    ):
        if not least <= len(text.strip()) or len(text) > most or "\x00" in text:
            raise Refusal(
                "node.name", f"The {what} of node {spec.code} must have {least} to {most} characters of text."
            )
    if spec.code == TRANSIT_CODE:
        raise Refusal("node.transit", f"{TRANSIT_CODE} is where goods on their way are booked; choose another code.")
    if spec.kind not in NODE_KINDS:
        raise Refusal("node.kind", f"Node {spec.code}: {spec.kind!r} is not one of the kinds {', '.join(NODE_KINDS)}.")
    if (spec.latitude is None) != (spec.longitude is None):
        raise Refusal("node.point", f"Node {spec.code} has only one of latitude and longitude.")
    # a comparison with NaN is false, so NaN is refused too
    if not (-90 <= (spec.latitude or 0) <= 90 and -180 <= (spec.longitude or 0) <= 180):
        raise Refusal("node.point", f"Node {spec.code}: its point is not on the Earth.")
    if spec.zone not in zone_names():
        raise Refusal("node.zone", f"Node {spec.code}: {spec.zone!r} is not an IANA time zone.")
