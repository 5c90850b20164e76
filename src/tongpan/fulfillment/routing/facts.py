"""What a policy asks about nodes and orders, and the snapshot that a batch is planned on. Pure."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tongpan.fulfillment.routing.basics import NOWHERE_AT_ALL, NodeView, Stock
from tongpan.fulfillment.routing.policy import Condition
from tongpan.network.engine import ships_to


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What routing asks about a node. The defaults are those of a node that nobody said anything about.

    order_limit: orders a working day, None without limit. base_cost and cost_per_km: minor units of ``currency``
    of a parcel from here, None when unknown. priority: lower first. territory: names or division codes that it
    ships to (``network.engine.ships_to``). in_pool: False for a dealer whose contract keeps its stock its own.
    services: what a dealer owes by a contract that is in force.
    """

    groups: Sequence[str] = ()
    order_limit: int | None = None
    base_cost: int | None = None
    cost_per_km: int | None = None
    currency: str = ""
    priority: int = 100
    territory: Sequence[str] = ()
    facilities: Sequence[str] = ()
    in_pool: bool = True
    services: Collection[str] = ()


NOTHING_SAID = NodeFacts()


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What routing asks about an order (of orders that are sent together, the one placed first).

    place: degrees, or None. is_vague: the address names no known city; the order is placed at its province, or
    nowhere. value: of its goods, minor units.
    pickup_node: id of the node that the order names, 0 for one that is not known, None when it names none.
    rejected: reasons by id of the nodes that refused it.
    awaits: the rule by which goods are being gathered for it. waited: that such a transfer took too long.
    """

    order_id: int = 0
    place: tuple[float, float] | None = None
    method: str = "ship"
    channel: str = ""
    shop: str = ""
    tags: Sequence[str] = ()
    province: str = ""
    city: str = ""
    is_vague: bool = False
    categories: Sequence[str] = ()
    value: int = 0
    pickup_node: int | None = None
    placed_at: datetime | None = None
    promised_at: datetime | None = None
    rejected: Mapping[int, str] = field(default_factory=dict)
    awaits: str = ""
    waited: bool = False


@dataclass(slots=True)
class Snapshot:
    """What is where while a batch is planned; ``stock`` and ``given`` change as orders are planned.

    stock, floors, minimums: units by SKU id and node id: free, never asked for by a rule that keeps floors, and the
    least that a node should keep (safety stock). ages: days since the oldest unit came in, likewise. given: orders
    that a node has for its present working day. closed: nodes that are closed now, with when they open (None: not
    within a year).
    """

    stock: Stock
    floors: Stock = field(default_factory=lambda: NOWHERE_AT_ALL)
    minimums: Stock = field(default_factory=lambda: NOWHERE_AT_ALL)
    ages: Stock = field(default_factory=lambda: NOWHERE_AT_ALL)
    facts: Mapping[int, NodeFacts] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)
    closed: Mapping[int, datetime | None] = field(default_factory=dict)

    def facts_of(self, node: NodeView) -> NodeFacts:
        """What is said about ``node``."""
        return self.facts.get(node.id, NOTHING_SAID)


def holds(condition: Condition, order: OrderFacts) -> bool:
    """True when ``order`` is as ``condition`` wants it."""
    if condition.is_empty:
        return True
    return (
        (not condition.methods or order.method in condition.methods)
        and (not condition.channels or order.channel in condition.channels)
        and (not condition.shops or order.shop in condition.shops)
        and (not condition.tags or any(tag in condition.tags for tag in order.tags))
        and (not condition.places or lies_in(order, condition.places))
        and (not condition.categories or any(one in condition.categories for one in order.categories))
        and (condition.min_value is None or order.value >= condition.min_value)
        and (condition.max_value is None or order.value <= condition.max_value)
    )


def lies_in(order: OrderFacts, places: Sequence[str]) -> bool:
    """True when the order goes to one of ``places``: names of provinces or cities, or division codes."""
    return _lies_in(tuple(places), order.province, order.city)


@functools.lru_cache(maxsize=50_000)
def _lies_in(places: tuple[str, ...], province: str, city: str) -> bool:
    return ships_to(places, province, city)
