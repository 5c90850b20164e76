"""How many units of a listing a channel is told there are, and why. Pure.

Of the SKU, or of each part of a kit: what lies at the nodes that serve the shop, less what is pinned to orders
there, what is promised in the pool, what each node keeps back, the minimum cover of core goods, what is fenced off for
other channels, what the channel's own quota forbids, and its threshold. Of a kit: as many as its parts make.

A shop that only some nodes serve is told what these can give: of what is promised, fenced off or kept as cover, only
that counts against it which can come from its nodes, or which the other nodes cannot give. So the number is never more
than the pool would grant, nor more than its nodes could send if all that can come from them did.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tongpan.inventory.engine.sharing import Quota, Shares

Step = dict[str, Any]
"""{"step": name, "units": signed change, "left": what is left after it} and what the step was about:

on_hand: "nodes" [[node code, units]]; allocated; held; safety_stock: "nodes"; cover; fenced; quota: "mode", "limit",
"used"; threshold; makes: "units_each" per kit, "kits"; kit: "short" the part that limits it; off_sale; no_node.
"""


class Shelf(NamedTuple):
    """The saleable stock of one SKU at one node that serves the shop."""

    node_code: str
    on_hand: int
    allocated: int
    safety_stock: int


@dataclass(frozen=True, slots=True)
class Good:
    """What is known of one SKU. held: promised in the pool. cover: units it never runs below on the channels.

    elsewhere: units at other nodes that are not pinned to orders. held_here: what of ``held`` may come from these
    nodes; here: the channels that they serve, whose fences may. None: all.
    """

    sku_id: int
    sku_code: str
    shelves: Sequence[Shelf]
    held: int = 0
    cover: int = 0
    quotas: Sequence[Quota] = ()
    threshold: int = 0
    is_segregated: bool = False
    elsewhere: int = 0
    held_here: int | None = None
    here: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing. parts: (what is known of the part, units in one kit); a plain SKU is its own only part."""

    channel_id: int
    parts: Sequence[tuple[Good, int]]
    is_kit: bool = False
    is_on_sale: bool = True
    is_served: bool = True


def publish(offer: Offer) -> tuple[int, list[Step]]:
    """The quantity to be published for a listing, and the steps that lead to it, in order."""
    if not offer.is_on_sale:
        return 0, [{"step": "off_sale", "units": 0, "left": 0}]
    if not offer.is_served:
        return 0, [{"step": "no_node", "units": 0, "left": 0}]
    steps: list[Step] = []
    makes: dict[str, int] = {}
    for good, each in offer.parts:
        left, found = _of_good(good, offer.channel_id)
        if offer.is_kit:
            makes[good.sku_code] = left // each
            found.append({"step": "makes", "units": 0, "left": left // each, "units_each": each})
            found = [{"sku": good.sku_code} | step for step in found]
        else:
            makes[good.sku_code] = left
        steps += found
    qty = min(makes.values(), default=0)
    if offer.is_kit:
        steps.append({"step": "kit", "units": 0, "left": qty, "short": min(makes, key=lambda code: makes[code])})
    return qty, steps


def _of_good(good: Good, channel_id: int) -> tuple[int, list[Step]]:
    left = sum(shelf.on_hand for shelf in good.shelves)
    steps: list[Step] = [
        {"step": "on_hand", "units": left, "left": left, "nodes": [[s.node_code, s.on_hand] for s in good.shelves]}
    ]

    def less(name: str, units: int, **about: Any) -> None:
        nonlocal left
        taken = min(units, left)
        if taken > 0:
            left -= taken
            steps.append({"step": name, "units": -taken, "left": left, **about})

    less("allocated", sum(shelf.allocated for shelf in good.shelves))
    held_here = good.held if good.held_here is None else good.held_here
    held = max(held_here, good.held - good.elsewhere)
    spare = max(good.elsewhere - (good.held - held), 0)
    less("held", held)
    kept = [(s.node_code, min(s.safety_stock, s.on_hand - s.allocated)) for s in good.shelves]
    less("safety_stock", sum(units for _, units in kept), nodes=[[code, units] for code, units in kept if units])
    less("cover", max(good.cover - spare, 0))
    spare = max(spare - good.cover, 0)
    shares = Shares({good.sku_id: left + spare}, good.quotas, is_segregated=good.is_segregated)
    near = Shares(
        {good.sku_id: left},
        [q for q in good.quotas if good.here is None or q.channel_id in good.here or q.channel_id == channel_id],
        is_segregated=good.is_segregated,
    )
    asked = shares.asked(channel_id, good.sku_id)
    own = sum(max(q.limit - q.used, 0) for q in asked if q is not None and q.mode == "reserved")
    capacity = min(near.capacity(channel_id, good.sku_id), shares.capacity(channel_id, good.sku_id), left)
    others = max(near.fenced(good.sku_id), shares.fenced(good.sku_id) - spare) - own
    less("fenced", min(others, left - capacity))
    last = asked[-1] or (asked[-2] if len(asked) > 1 else None)
    about = {"mode": last.mode, "limit": last.limit, "used": last.used} if last else {"mode": "segregated"}
    less("quota", left - capacity, **about)
    less("threshold", good.threshold)
    return left, steps


def cover_units(units: int, days: int, daily: float) -> int:
    """What a core SKU never runs below: units, or the sales of ``days`` at ``daily`` units a day, whichever is more."""
    return max(units, math.ceil(days * daily))


def same(stored: Mapping[int, tuple[int, list[Step]]], computed: Mapping[int, tuple[int, list[Step]]]) -> list[int]:
    """The listing ids whose stored quantity is not the computed one, ascending."""
    return sorted(
        i for i in stored.keys() | computed.keys() if stored.get(i, (0, []))[0] != computed.get(i, (0, []))[0]
    )
