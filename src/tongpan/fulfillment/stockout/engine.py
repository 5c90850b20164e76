"""Which ways out of a stock-out are open, in the order that the channel prefers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tongpan.core.errors import Refusal

Strategy = Literal["nearest_store", "transfer", "reservation", "urgent"]
STRATEGIES: tuple[Strategy, ...] = ("nearest_store", "transfer", "reservation", "urgent")
"""The default order (X-22): nearest store with stock → transfer → reservation or pre-order → urgent replenishment."""

PREORDER = "pre-order"
"""The tag of an order whose buyer agreed to wait."""
PICKUP_KINDS = ("store", "counter")
SETTING = "stockout.strategy_order"


@dataclass(frozen=True, slots=True)
class Policy:
    """order: the strategies that a channel uses, preferred first; one that is not in it is never offered.

    pickup_km: how far a buyer may be sent to collect. transfer_km: how far goods are moved; both as the crow flies.
    """

    order: Sequence[Strategy] = STRATEGIES
    pickup_km: int = 50
    transfer_km: int = 3000


def policy_of(setting: Mapping[str, Any] | None, channel_code: str) -> Policy:
    """The policy of a channel from the setting: its own entry below "channels", else "default", else ours.

    Raises Refusal("stockout.setting") when the setting names what there is not.
    """
    given = setting or {}
    entry = {**(given.get("default") or {}), **((given.get("channels") or {}).get(channel_code) or {})}
    order = entry.get("order", list(STRATEGIES))
    unknown = [name for name in order if name not in STRATEGIES] if isinstance(order, list) else [order]
    limits = {name: entry.get(name, getattr(Policy(), name)) for name in ("pickup_km", "transfer_km")}
    if unknown or len(set(order)) < len(order):
        raise Refusal(
            "stockout.setting",
            f"The stock-out strategies of {channel_code} read {order!r}; name each of "
            f"{', '.join(STRATEGIES)} at most once.",
        )
    for name, value in limits.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 20_000:
            raise Refusal("stockout.setting", f"{name} of {channel_code} is {value!r}; give 1 to 20000 kilometres.")
    return Policy(tuple(order), **limits)


@dataclass(frozen=True, slots=True)
class Place:
    """A node with free units by SKU id. serves: it may ship the orders of the shop anyway."""

    node_id: int
    code: str
    name: str
    kind: str
    latitude: float | None
    longitude: float | None
    serves: bool
    free: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Incoming:
    """Units of a SKU that are on their way to a serving node. due: None when nobody has said when."""

    sku_id: int
    units: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Option:
    """One way out. is_open: it can be taken now; else why says what is missing, in one word.

    why: "" | "no_store" (none has all of it) | "too_far" | "no_place" (where the buyer is, is not known) |
    "no_stock" (nobody has it). node, km: where from, for a store or a transfer; to: the node that a transfer or an
    urgent replenishment goes to. due: when a reservation is expected to be served, None when nobody knows.
    """

    strategy: Strategy
    is_open: bool
    why: str = ""
    node: Place | None = None
    km: float | None = None
    to: Place | None = None
    due: datetime | None = None


Distance = Callable[[float, float, float, float], float]


def options(
    needs: Mapping[int, int],
    place: tuple[float, float] | None,
    places: Sequence[Place],
    incoming: Iterable[Incoming],
    *,
    policy: Policy,
    distance: Distance,
) -> list[Option]:
    """The ways out for ``needs`` (units by SKU id), preferred first.

    nearest_store: the nearest store or counter that has everything free, within ``pickup_km`` of the buyer's
    place. transfer: the node with everything free that is nearest to the serving node nearest to the buyer, within
    ``transfer_km``. reservation: always open; due when the last of the goods on their way has come, if they
    cover the needs. urgent: open when a node that keeps stock serves the shop. Ties go to the lower node code; a
    node without coordinates is never near.
    """
    ways: dict[Strategy, Callable[[], Option]] = {
        "nearest_store": lambda: _nearest_store(needs, place, places, policy, distance),
        "transfer": lambda: _transfer(needs, place, places, policy, distance),
        "reservation": lambda: Option("reservation", is_open=True, due=_due(needs, incoming)),
        "urgent": lambda: _urgent(place, places, distance),
    }
    return [ways[strategy]() for strategy in policy.order]


def _has_all(needs: Mapping[int, int], place: Place) -> bool:
    return all(place.free.get(sku_id, 0) >= qty for sku_id, qty in needs.items())


def _km(place: tuple[float, float] | None, node: Place, distance: Distance) -> float | None:
    if place is None or node.latitude is None or node.longitude is None:
        return None
    return distance(*place, node.latitude, node.longitude)


def _nearest(
    place: tuple[float, float] | None, nodes: Iterable[Place], distance: Distance
) -> tuple[Place, float | None] | None:
    measured = [(node, _km(place, node, distance)) for node in nodes]
    return min(measured, key=lambda m: (m[1] is None, m[1] or 0.0, m[0].code), default=None)


def _nearest_store(
    needs: Mapping[int, int],
    place: tuple[float, float] | None,
    places: Sequence[Place],
    policy: Policy,
    distance: Distance,
) -> Option:
    stores = [node for node in places if node.kind in PICKUP_KINDS and _has_all(needs, node)]
    found = _nearest(place, stores, distance)
    if found is None:
        return Option("nearest_store", is_open=False, why="no_store")
    node, km = found
    if place is None:
        return Option("nearest_store", is_open=False, why="no_place")
    if km is None or km > policy.pickup_km:
        return Option("nearest_store", is_open=False, why="too_far", node=node, km=km)
    return Option("nearest_store", is_open=True, node=node, km=km)


def _transfer(
    needs: Mapping[int, int],
    place: tuple[float, float] | None,
    places: Sequence[Place],
    policy: Policy,
    distance: Distance,
) -> Option:
    to = _nearest(place, (node for node in places if node.serves), distance)
    givers = [node for node in places if _has_all(needs, node) and (to is None or node is not to[0])]
    if to is None or not givers:
        return Option("transfer", is_open=False, why="no_stock", to=to[0] if to else None)
    target = to[0]
    at = None if target.latitude is None or target.longitude is None else (target.latitude, target.longitude)
    node, km = _nearest(at, givers, distance) or (givers[0], None)
    if km is not None and km > policy.transfer_km:
        return Option("transfer", is_open=False, why="too_far", node=node, km=km, to=target)
    return Option("transfer", is_open=True, node=node, km=km, to=target)


def _urgent(place: tuple[float, float] | None, places: Sequence[Place], distance: Distance) -> Option:
    to = _nearest(place, (node for node in places if node.serves), distance)
    return Option("urgent", is_open=to is not None, why="" if to else "no_stock", to=to[0] if to else None)


def _due(needs: Mapping[int, int], incoming: Iterable[Incoming]) -> datetime | None:
    """When the needs are covered by what is on its way: the instant of the last shipment needed, or None."""
    left = dict(needs)
    dated = sorted((i for i in incoming if i.due is not None), key=lambda i: (i.due, i.sku_id))
    last: datetime | None = None
    for shipment in dated:
        if left.get(shipment.sku_id, 0) > 0:
            left[shipment.sku_id] -= shipment.units
            last = shipment.due
    return last if all(units <= 0 for units in left.values()) else None
