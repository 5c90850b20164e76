"""Where stores stand against where buyers are, and where a new one would cover most (OFF-13). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tongpan.network.geography import distance_km

RADII_KM = (3.0, 5.0, 10.0)
MOST_CANDIDATES = 300
_KM_OF_A_DEGREE = 111.2


class Demand(NamedTuple):
    """Orders and buyers of one place. Degrees."""

    province: str
    city: str
    latitude: float
    longitude: float
    orders: int
    buyers: int


class Site(NamedTuple):
    """A store. facilities: what it has."""

    code: str
    name: str
    latitude: float
    longitude: float
    facilities: tuple[str, ...]


class Reach(NamedTuple):
    """Orders and buyers within ``km`` of the nearest of some sites."""

    km: float
    orders: int
    buyers: int


class Proposal(NamedTuple):
    """A place for a new site, in the order in which sites should be added.

    orders, buyers: newly covered by it. nearest, nearest_km: the site that is nearest today ("" and None without any).
    """

    province: str
    city: str
    latitude: float
    longitude: float
    orders: int
    buyers: int
    nearest: str
    nearest_km: float | None


def reach(demand: Sequence[Demand], sites: Sequence[Site], radii: Sequence[float] = RADII_KM) -> list[Reach]:
    """How much of ``demand`` lies within each radius of the nearest of ``sites``; a radius includes its edge."""
    nearest = [_nearest(place, sites)[1] for place in demand]
    return [
        Reach(
            km,
            sum(place.orders for place, away in zip(demand, nearest, strict=True) if away is not None and away <= km),
            sum(place.buyers for place, away in zip(demand, nearest, strict=True) if away is not None and away <= km),
        )
        for km in radii
    ]


def propose(demand: Sequence[Demand], sites: Sequence[Site], *, km: float, most: int) -> list[Proposal]:
    """At most ``most`` places for new sites, each the one that covers most orders that nothing covers yet.

    Greedy maximum coverage: at least 1 − 1/e of what the best choice of as many places covers (G. L. Nemhauser,
    L. A. Wolsey, M. L. Fisher, Mathematical Programming 14, 1978). Candidates are the MOST_CANDIDATES places with
    most uncovered orders; of two that cover the same, the one with the earlier code of province and city.
    """
    left = [place for place in demand if place.orders > 0 and not _is_near(place, sites, km)]
    candidates = sorted(left, key=lambda place: (-place.orders, place.province, place.city))[:MOST_CANDIDATES]
    covers = {
        number: {
            other
            for other, place in enumerate(left)
            if _within(one.latitude, one.longitude, place.latitude, place.longitude, km)
        }
        for number, one in enumerate(candidates)
    }
    proposals: list[Proposal] = []
    while covers and len(proposals) < most:
        gains = {number: sum(left[i].orders for i in covered) for number, covered in covers.items()}
        best = max(gains, key=lambda number: (gains[number], -number))
        if not gains[best]:
            break
        one, taken = candidates[best], covers[best]
        site, away = _nearest(one, sites)
        proposals.append(
            Proposal(
                one.province,
                one.city,
                one.latitude,
                one.longitude,
                gains[best],
                sum(left[i].buyers for i in taken),
                site.code if site else "",
                None if away is None else round(away, 1),
            )
        )
        covers = {number: covered - taken for number, covered in covers.items() if number != best}
    return proposals


def _nearest(place: Demand, sites: Sequence[Site]) -> tuple[Site | None, float | None]:
    found: tuple[Site | None, float | None] = (None, None)
    for site in sites:
        away = distance_km(place.latitude, place.longitude, site.latitude, site.longitude)
        if found[1] is None or away < found[1]:
            found = (site, away)
    return found


def _is_near(place: Demand, sites: Sequence[Site], km: float) -> bool:
    return any(_within(place.latitude, place.longitude, site.latitude, site.longitude, km) for site in sites)


def _within(lat1: float, lon1: float, lat2: float, lon2: float, km: float) -> bool:
    if abs(lat1 - lat2) * _KM_OF_A_DEGREE > km * 1.02 or math.isnan(lat1):
        return False  # most pairs are far apart, and this is cheaper than the distance
    return distance_km(lat1, lon1, lat2, lon2) <= km
