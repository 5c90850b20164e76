"""What routing is about: nodes, needs and plans, and what is free where. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

LISTED = 20
"""So many nodes an explanation names: the nearest that have something of the order, and the chosen ones."""
ENDLESS = 1 << 40
"""Units of a node whose stock is not ours to count."""


class NodeView(NamedTuple):
    """A node that may serve the order. latitude, longitude: degrees, or None. tracks_stock: False never lacks."""

    id: int
    code: str
    latitude: float | None
    longitude: float | None
    tracks_stock: bool = True


class Need(NamedTuple):
    """Units of one SKU that one order line still needs. wanted_node: node id named by the channel, or None.

    kits: for a part of a kit, how many kits its line has; else 0.
    """

    order_line_id: int
    sku_id: int
    qty: int
    wanted_node: int | None = None
    kits: int = 0


class Pick(NamedTuple):
    """``qty`` units of an order line shipped from one node."""

    node_id: int
    order_line_id: int
    sku_id: int
    qty: int


class Move(NamedTuple):
    """``qty`` units that a transfer brings from one node to another before an order is sent."""

    from_id: int
    to_id: int
    sku_id: int
    qty: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What routing decided. picks is empty when outcome is "unfillable". explanation is plain JSON:

    {"candidates": [{"node": code, "km": float|None, "have": lines covered, "of": lines, "rank": n (by distance),
    "outcome": "chosen"|"eliminated", "why": the first thing that took it out (``explaining``), "because": its
    figures, "missing": [SKU ids], "values": its rank tuple where nodes are ranked by more than distance,
    "floors": [{"sku_id", "floor", "leaves", "of"}] where a floor keeps back what is missing}],
    "others": nodes that are not named, farther away or without anything of the order (absent when there are none),
    "ranks": what "values" are, "tried": [{"rule", "why", "removed": {why: nodes}}] of rules that found nothing,
    "short": [{"sku_id", "have", "need"}], "queue": where it waits, "place": "province" or "unknown" of an address
    that names no known city, "transfers": [{"from", "to", "sku_id", "qty"}] that gather its goods}

    transfers: what must be moved before an order that is "unfillable" now can be sent.
    """

    outcome: Literal["routed", "unfillable"]
    rule: str
    picks: Sequence[Pick] = ()
    explanation: dict[str, Any] = field(default_factory=dict)
    transfers: Sequence[Move] = ()


Distance = Callable[[float, float, float, float], float]
Stock = Mapping[int, Mapping[int, int]]
"""Free units by SKU id, and of each SKU by node id."""


NOWHERE: Mapping[int, int] = {}
NOWHERE_AT_ALL: Stock = {}
Left = dict[tuple[int, int], int]
"""Units not picked yet, by (SKU id, node id)."""


class Candidate(NamedTuple):
    node: NodeView
    km: float | None
    have: int
    missing: list[int]


def free(stock: Stock, sku_id: int, node: NodeView) -> int:
    return stock.get(sku_id, NOWHERE).get(node.id, 0) if node.tracks_stock else ENDLESS


def totals_of(needs: Sequence[Need]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for need in needs:
        totals[need.sku_id] = totals.get(need.sku_id, 0) + need.qty
    return totals


Kms = dict[int, float | None]
"""Kilometres to a place by node id, as far as they were measured; None where a node has no place."""


class Ground:
    """The nodes that orders may come from, found by what they have."""

    def __init__(self, nodes: Sequence[NodeView], distance: Distance) -> None:
        self.nodes = nodes
        self.distance = distance
        self.by_id = {node.id: node for node in nodes}
        self.endless = [node for node in nodes if not node.tracks_stock]

    def candidates(
        self,
        needed: Mapping[int, int],
        place: tuple[float, float] | None,
        stock: Stock,
        kms: Kms,
        *,
        is_whole: bool = False,
    ) -> list[Candidate]:
        """The nodes that have something of ``needed`` (units by SKU id), nearest first; in a small network every node.

        kms: what is known of distances to ``place``; what is measured is added. is_whole: only those with everything.
        """
        wanted = [(sku_id, qty, stock.get(sku_id, NOWHERE)) for sku_id, qty in needed.items()]
        if is_whole:
            return self._nearest_first([(node, []) for node in self._with_all(wanted)], place, kms, len(wanted))
        nodes: Iterable[NodeView] = self.nodes
        if len(self.nodes) > LISTED:
            here = self.by_id
            somewhere = {node_id for *_, at in wanted for node_id in at if node_id in here}
            nodes = [here[i] for i in somewhere if here[i].tracks_stock] + self.endless
        found = [
            (node, [sku_id for sku_id, qty, at in wanted if at.get(node.id, 0) < qty] if node.tracks_stock else [])
            for node in nodes
        ]
        return self._nearest_first(found, place, kms, len(wanted))

    def _with_all(self, wanted: Sequence[tuple[int, int, Mapping[int, int]]]) -> list[NodeView]:
        """The nodes that have all units of ``wanted``: (SKU id, units, units by node id)."""
        if not wanted:
            return list(self.nodes)
        (_, least, rarest), *others = sorted(wanted, key=lambda one: len(one[2]))
        ids = [node_id for node_id, units in rarest.items() if units >= least]
        for _, qty, at in others:
            ids = [node_id for node_id in ids if at.get(node_id, 0) >= qty]
        here = self.by_id
        return [here[i] for i in ids if i in here and here[i].tracks_stock] + self.endless

    def _nearest_first(
        self, found: Iterable[tuple[NodeView, list[int]]], place: tuple[float, float] | None, kms: Kms, size: int
    ) -> list[Candidate]:
        """Candidates of nodes and the SKU ids that each lacks."""
        distance = self.distance
        latitude, longitude = place or (0.0, 0.0)
        rows = []
        for node, missing in found:
            node_id = node.id
            if node_id in kms:
                km = kms[node_id]
            else:
                km = None
                if place is not None and node.latitude is not None and node.longitude is not None:
                    # To a tenth; round() with digits takes five times as long for the same number.
                    km = round(distance(latitude, longitude, node.latitude, node.longitude) * 10) / 10
                kms[node_id] = km
            rows.append((math.inf if km is None else km, node.code, node, km, missing))
        rows.sort()
        return [Candidate(node, km, size - len(missing), missing) for _, _, node, km, missing in rows]


def candidates_of(
    needs: Sequence[Need],
    place: tuple[float, float] | None,
    nodes: Sequence[NodeView],
    stock: Stock,
    distance: Distance,
) -> list[Candidate]:
    """The candidates for one order alone (``Ground.candidates``)."""
    return Ground(nodes, distance).candidates(totals_of(needs), place, stock, {})


def shortage(needs: Sequence[Need], nodes: Sequence[NodeView], stock: Stock) -> list[dict[str, int]]:
    """SKUs that all nodes together do not hold."""
    short = []
    for sku_id, qty in totals_of(needs).items():
        have = sum(free(stock, sku_id, node) for node in nodes)
        if have < qty:
            short.append({"sku_id": sku_id, "have": have, "need": qty})
    return short
