"""Dealers and agents: their contracts, whose stock joins the pool, who serves a place (DLR-01, DLR-02, DLR-06)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.network.engine import DEALER_SERVICES, ships_to
from tongpan.network.events import NODES_CHANGED
from tongpan.network.geography import locate
from tongpan.network.models import PriceRight

TIERS = ("capital", "prefecture", "county")


@dataclass(frozen=True, slots=True)
class DealerSpec:
    """A contract as it shall be. ends_on: the first day on which it no longer holds. See models.DealerContract."""

    node_code: str
    level: str
    starts_on: date
    ends_on: date | None = None
    permits_pool: bool = False
    price_right: str = "list"
    services: tuple[str, ...] = ()


class Dealer(NamedTuple):
    """A dealer with its contract; territory is that of its node. holds: the contract is in force today."""

    node_id: int
    code: str
    name: str
    city: str
    latitude: float | None
    longitude: float | None
    territory: list[str]
    in_pool: bool
    level: str
    starts_on: date
    ends_on: date | None
    permits_pool: bool
    price_right: str
    services: list[str]
    holds: bool


def save_dealers(specs: Sequence[DealerSpec], *, actor: str, now: datetime) -> None:
    """Make or change the contracts of dealers. All or none; constantly many statements.

    A dealer's stock is in the pool exactly while a contract that permits it is in force. Raises Refusal dealer.* (a
    node that is unknown or no dealer, an end before the start, an unknown right or service, the same dealer twice).
    """
    codes = [spec.node_code for spec in specs]
    if len(set(codes)) != len(codes):
        raise Refusal("dealer.twice", "The same dealer is named twice in one request.")
    for spec in specs:
        _check(spec)
    with transaction.atomic():
        wanted = [code for code in codes if "\x00" not in code]
        kinds = dict(
            fetch_all(
                "SELECT code, kind FROM network_node WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [wanted]
            )
        )
        if bad := [code for code in codes if kinds.get(code) != "dealer"]:
            raise Refusal("dealer.node", f"There is no node {bad[0]!r} of kind dealer; create it first.")
        for spec in specs:  # a request names few dealers, and their lists differ in length
            execute(
                """INSERT INTO network_dealer_contract
                     (node_id, level, starts_on, ends_on, permits_pool, price_right, services)
                   SELECT id, %s, %s, %s, %s, %s, %s FROM network_node WHERE code = %s
                   ON CONFLICT (node_id) DO UPDATE SET level = excluded.level, starts_on = excluded.starts_on,
                     ends_on = excluded.ends_on, permits_pool = excluded.permits_pool,
                     price_right = excluded.price_right, services = excluded.services""",
                [
                    spec.level.strip(),
                    spec.starts_on,
                    spec.ends_on,
                    spec.permits_pool,
                    spec.price_right,
                    list(spec.services),
                    spec.node_code,
                ],
            )
        turn_contracts(now)
        audit_many([Note("dealer.saved", "node", code) for code in codes], actor=actor, now=now)


def turn_contracts(now: datetime) -> list[int]:
    """Let each dealer's stock join or leave the pool as its contract says today; the ids of those that changed."""
    with transaction.atomic():
        changed = fetch_all(
            """UPDATE network_node n SET in_pool = w.joins FROM (
                 SELECT node_id, permits_pool AND starts_on <= %(today)s AND (ends_on IS NULL OR ends_on > %(today)s)
                   AS joins FROM network_dealer_contract) w
               WHERE n.id = w.node_id AND n.in_pool <> w.joins RETURNING n.id""",
            {"today": business_day(now, DEFAULT_ZONE)},
        )
        ids = sorted(node_id for (node_id,) in changed)
        append([NewEvent(NODES_CHANGED, str(node_id), {}) for node_id in ids])
    return ids


def dealers(now: datetime, text: str = "") -> list[Dealer]:
    """Every dealer with a contract, by code. text: the beginning of its code, or part of its name or city."""
    rows = fetch_all(
        """SELECT n.id, n.code, n.name, n.city, n.latitude, n.longitude, n.territory, n.in_pool, c.level, c.starts_on,
             c.ends_on, c.permits_pool, c.price_right, c.services,
             n.is_active AND c.starts_on <= %(today)s AND (c.ends_on IS NULL OR c.ends_on > %(today)s)
           FROM network_dealer_contract c JOIN network_node n ON n.id = c.node_id
           WHERE %(text)s = '' OR starts_with(lower(n.code), lower(%(text)s))
             OR strpos(lower(n.name || ' ' || n.city), lower(%(text)s)) > 0 ORDER BY n.code""",
        {"today": business_day(now, DEFAULT_ZONE), "text": text.replace("\x00", "")},
    )
    return [Dealer(*row) for row in rows]


def dealers_for(province: str, city: str, service: str, *, now: datetime, district: str = "") -> list[Dealer]:
    """The dealers whose contract is in force, who owe ``service`` and whose territory has the place, by code.

    A dealer with a territory of its own stands before one who serves everywhere.
    """
    fit = [
        dealer
        for dealer in dealers(now)
        if dealer.holds and service in dealer.services and ships_to(dealer.territory, province, city, district)
    ]
    return sorted(fit, key=lambda dealer: (not dealer.territory, dealer.code))


def services_owed(now: datetime) -> dict[int, frozenset[str]]:
    """The services that each dealer owes by a contract that is in force, by node id. One statement."""
    return {dealer.node_id: frozenset(dealer.services) for dealer in dealers(now) if dealer.holds}


class TierCoverage(NamedTuple):
    """Demand of one tier of places: orders in all, and those in the territory of a dealer."""

    tier: str
    places: int
    orders: int
    covered: int


def tier_of(province: str, city: str) -> str:
    """ "capital" (of a province, or a municipality), "prefecture", "county"; "" for a place that is not known."""
    place = locate(province, city)
    if place is None:
        return ""
    if place.code[:2] in ("11", "12", "31", "50") or place.code[2:] in ("0000", "0100"):
        return "capital"
    return "county" if place.district else "prefecture"


def tier_coverage(demand: Iterable[tuple[str, str, int]], territories: Sequence[Sequence[str]]) -> list[TierCoverage]:
    """How much of ``demand`` (province, city, orders) the territories cover, by tier. Pure.

    A territory that is empty is everywhere. Demand of places that are not known is left out.
    """
    totals = {tier: [0, 0, 0] for tier in TIERS}
    for province, city, orders in demand:
        tier = tier_of(province, city)
        if not tier:
            continue
        total = totals[tier]
        total[0] += 1
        total[1] += orders
        if any(ships_to(territory, province, city) for territory in territories):
            total[2] += orders
    return [TierCoverage(tier, *total) for tier, total in totals.items()]


def _check(spec: DealerSpec) -> None:
    if not 0 < len(spec.level.strip()) <= 40 or "\x00" in spec.level:
        raise Refusal("dealer.level", f"Dealer {spec.node_code} needs a level of 1 to 40 characters.")
    if spec.ends_on is not None and spec.ends_on <= spec.starts_on:
        raise Refusal("dealer.dates", f"The contract of dealer {spec.node_code} would end before it starts.")
    if spec.price_right not in PriceRight.values:
        raise Refusal("dealer.price_right", f"{spec.price_right!r} is not one of {', '.join(PriceRight.values)}.")
    if bad := [service for service in spec.services if service not in DEALER_SERVICES]:
        raise Refusal("dealer.service", f"{bad[0]!r} is not one of {', '.join(DEALER_SERVICES)}.")
