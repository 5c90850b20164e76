"""Whose sales are looked at, and which places and freight belong to whom."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.network.engine import ships_to
from tongpan.network.geography import distance_km, locate
from tongpan.network.queries import node_facts
from tongpan.risk.engine import Rules

Territory = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A dealer with the shops that are its alone, or a shop.

    territory: None where there is none to judge by: the whole country, or a shop of the company itself.
    """

    party: str
    name: str
    dealer_id: int | None
    shop_id: int | None
    shop_ids: tuple[int, ...]
    territory: Territory | None
    is_partner: bool
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class _Site:
    code: str
    territory: Territory
    point: tuple[float, float] | None
    freight_minor: int | None


@dataclass(frozen=True, slots=True)
class Geography:
    """Dealers' territories and what bringing a unit to a node costs. sites: dealers and stores, by code."""

    sites: Sequence[_Site] = ()
    territories: Mapping[int, Territory] = field(default_factory=dict)

    def nearest(self, region: str, rules: Rules) -> tuple[str, int]:
        """(code, freight in minor units) of the authorised place nearest to ``region``: whose territory holds it, else
        the nearest by distance; ("", the freight of the rules) when nothing is known."""
        inside = [site for site in self.sites if site.territory and is_inside(site.territory, region, "")]
        place = locate(region, "") if region else None
        if not inside and place is not None and place.latitude is not None and place.longitude is not None:
            known = [site for site in self.sites if site.point is not None]
            at = (place.latitude, place.longitude)
            inside = sorted(known, key=lambda site: (distance_km(*at, *(site.point or at)), site.code))[:1]
        if not inside:
            return "", rules.freight_minor
        site = inside[0]
        return site.code, rules.freight_minor if site.freight_minor is None else site.freight_minor


@functools.lru_cache(maxsize=65_536)
def is_inside(territory: Territory, province: str, city: str) -> bool:
    """``network.engine.ships_to``, kept: a batch asks for few places very often."""
    return ships_to(territory, province, city)


def judged(territory: Territory | None, province: str, city: str) -> bool | None:
    """Whether a place lies in ``territory``; None when either is not known."""
    if territory is None or not (province or city) or locate(province, city) is None:
        return None
    return is_inside(territory, province, city)


@functools.lru_cache(maxsize=8192)
def province_named(city: str) -> str:
    """The province of a city; "" for one that is not known."""
    place = locate("", city) if city else None
    return place.province if place else ""


def geography() -> Geography:
    """Active dealers and stores with their territories and the freight from the cheapest warehouse. One statement."""
    facts = [one for one in node_facts().values() if one.is_active]
    warehouses = [
        (one.latitude, one.longitude, one.rules.base_cost_minor, one.rules.cost_per_km_minor)
        for one in facts
        if one.kind in ("central", "sub_warehouse") and one.latitude is not None and one.longitude is not None
    ]
    sites = []
    for one in facts:
        if one.kind not in ("dealer", "store", "counter"):
            continue
        point = (one.latitude, one.longitude) if one.latitude is not None and one.longitude is not None else None
        costs = [
            (base or 0) + round((per_km or 0) * distance_km(lat, lon, *point))
            for lat, lon, base, per_km in warehouses
            if point is not None and (base is not None or per_km is not None)
        ]
        sites.append(_Site(one.code, tuple(one.rules.territory), point, min(costs, default=None)))
    return Geography(
        sorted(sites, key=lambda site: site.code),
        {one.id: tuple(one.rules.territory) for one in facts if one.kind == "dealer"},
    )


def subjects(start: datetime, end: datetime, known: Geography) -> list[Subject]:
    """Every active dealer, and every other shop with an order placed in [start, end), by party. Two statements."""
    serving: dict[int, list[int]] = defaultdict(list)
    shops: dict[int, tuple[str, str]] = {}
    dealers: dict[int, tuple[str, str, bool]] = {}
    for node, node_code, node_name, is_simulated, shop, shop_code, shop_name in fetch_all(
        """SELECT n.id, n.code, n.name, n.is_simulated, s.id, s.code, s.name FROM network_node n
           LEFT JOIN network_service v ON v.node_id = n.id
           LEFT JOIN channels_shop s ON s.id = v.shop_id AND s.kind = 'dealer'
           WHERE n.kind = 'dealer' AND n.is_active ORDER BY n.code, s.code""",
        [],
    ):
        dealers[node] = (node_code, node_name, is_simulated)
        if shop is not None:
            serving[shop].append(node)
            shops[shop] = (shop_code, shop_name)
    own: dict[int, list[int]] = defaultdict(list)
    for shop, nodes in serving.items():
        if len(nodes) == 1:
            own[nodes[0]].append(shop)
    made = [
        Subject(
            f"dealer:{code}",
            name,
            node,
            None,
            tuple(sorted(own[node])),
            known.territories.get(node) or None,
            is_partner=True,
            is_simulated=is_simulated,
        )
        for node, (code, name, is_simulated) in dealers.items()
    ]
    for shop, code, name, kind, is_simulated in fetch_all(
        """SELECT s.id, s.code, s.name, s.kind, s.is_simulated FROM channels_shop s WHERE EXISTS (
             SELECT FROM orders_order o WHERE o.shop_id = s.id AND o.placed_at >= %s AND o.placed_at < %s)
           ORDER BY s.code""",
        [start, end],
    ):
        if len(serving.get(shop, [])) != 1:
            territory = _together([known.territories.get(node, ()) for node in serving.get(shop, [])])
            made.append(Subject(f"shop:{code}", name, None, shop, (shop,), territory, kind == "dealer", is_simulated))
    return sorted(made, key=lambda one: one.party)


def _together(territories: Sequence[Territory]) -> Territory | None:
    """The union of territories; None when one of them is everywhere, or there is none."""
    if not territories or not all(territories):
        return None
    return tuple(sorted({entry for one in territories for entry in one}))
