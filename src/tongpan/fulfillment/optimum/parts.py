"""What each order could take where, and which orders compete: the batch falls into independent parts. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tongpan.fulfillment.optimum.model import Asked, Cost
from tongpan.fulfillment.routing.basics import NodeView, Pick, Stock, free
from tongpan.fulfillment.routing.picking import kits_of

Cell = tuple[int, int]
"""(SKU id, node id): the goods that orders compete for."""


class Ground(NamedTuple):
    """nodes: by id. stock: free units. cost: of a parcel."""

    nodes: Mapping[int, NodeView]
    stock: Stock
    cost: Cost

    def have(self, cell: Cell) -> int:
        """The units that are free at a cell."""
        return free(self.stock, cell[0], self.nodes[cell[1]])


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an order, or what is needed of one SKU for it: ``count`` times ``uses``, units by SKU id.

    at: how often each node could give it, by node id; none gives it more often than ``count``.
    """

    line_id: int
    count: int
    uses: Mapping[int, int]
    at: Mapping[int, int]

    def picks(self, node_id: int, times: int) -> list[Pick]:
        """What it takes from a node that gives it ``times``."""
        return [Pick(node_id, self.line_id, sku_id, units * times) for sku_id, units in self.uses.items()]


@dataclass(frozen=True, slots=True)
class Case:
    """An order with what it could take where. costs: of a parcel from each node that could give something."""

    asked: Asked
    items: Sequence[Item]
    costs: Mapping[int, int]

    @property
    def needed(self) -> dict[int, int]:
        """Units by SKU id."""
        units: dict[int, int] = {}
        for item in self.items:
            for sku_id, each in item.uses.items():
                units[sku_id] = units.get(sku_id, 0) + each * item.count
        return units

    def only(self, node_ids: Sequence[int]) -> Case:
        """The same order with these nodes alone."""
        kept = set(node_ids)
        items = [
            Item(item.line_id, item.count, item.uses, {n: times for n, times in item.at.items() if n in kept})
            for item in self.items
        ]
        return Case(self.asked, items, {n: cost for n, cost in self.costs.items() if n in kept})

    @property
    def is_hopeless(self) -> bool:
        """True when it cannot be served even when it is alone."""
        return any(sum(item.at.values()) < item.count for item in self.items)

    def takes(self, item: Item, node_id: int) -> list[tuple[Cell, int]]:
        """The most that ``item`` could take of the cells of a node."""
        return [((sku_id, node_id), units * item.at[node_id]) for sku_id, units in item.uses.items()]


def case_of(asked: Asked, ground: Ground) -> Case:
    """What ``asked`` could take where, nodes in ascending order of code."""
    nodes, cost = ground.nodes, ground.cost
    kits = kits_of(asked.needs) if asked.keeps_kits else {}
    wanted: list[tuple[int, int, dict[int, int], int | None]] = [
        (need.order_line_id, need.qty, {need.sku_id: 1}, need.wanted_node)
        for need in asked.needs
        if need.order_line_id not in kits
    ]
    for line_id, parts in kits.items():
        count = parts[0].kits
        wanted.append((line_id, count, {part.sku_id: part.qty // count for part in parts}, parts[0].wanted_node))
    serving = [nodes[node_id] for node_id in asked.allowed if node_id in nodes]
    items = []
    for line_id, count, uses, named in wanted:
        views = serving if named is None else [nodes[named]] if named in nodes else []
        at = {}
        for node in sorted(views, key=lambda node: node.code):
            times = min(count, *(ground.have((sku_id, node.id)) // units for sku_id, units in uses.items()))
            if times > 0:
                at[node.id] = times
        items.append(Item(line_id, count, uses, at))
    useful = sorted({node_id for item in items for node_id in item.at}, key=lambda node_id: nodes[node_id].code)
    return Case(asked, items, {node_id: cost(asked, nodes[node_id]) for node_id in useful})


def scarce_cells(cases: Sequence[Case], ground: Ground) -> dict[Cell, int]:
    """The units at the cells of which all who could would take more than there is."""
    asked: defaultdict[Cell, int] = defaultdict(int)
    for case in cases:
        for item in case.items:
            for node_id in item.at:
                for cell, units in case.takes(item, node_id):
                    asked[cell] += units
    return {cell: have for cell, units in asked.items() if units > (have := ground.have(cell))}


def narrow(cases: Sequence[Case], ground: Ground) -> list[Case]:
    """The cases without nodes that some best assignment does without.

    Take an order and the nodes that have all of it, cheapest first. Where others cannot lack anything at one of them,
    or where there is one more of them than the others need units of its goods, one is left whole by whatever the
    others take; moving the order there makes nothing worse. So it needs neither dearer nodes nor several. Narrowed
    orders leave more to others, who are narrowed again until nothing changes.
    """
    cases = list(cases)
    needed: defaultdict[int, int] = defaultdict(int)
    for case in cases:
        for sku_id, units in case.needed.items():
            needed[sku_id] += units
    is_changed = True
    while is_changed:
        is_changed = False
        scarce = scarce_cells(cases, ground)
        for position, case in enumerate(cases):
            own = case.needed
            whole = [
                node_id
                for node_id in sorted(case.costs, key=lambda node_id: case.costs[node_id])
                if all(item.at.get(node_id, 0) == item.count for item in case.items)
                and all(ground.have((sku_id, node_id)) >= units for sku_id, units in own.items())
            ]
            most = sum(needed[sku_id] - units for sku_id, units in own.items()) + 1
            for count, node_id in enumerate(whole, 1):
                if count == most or not any((sku_id, node_id) in scarce for sku_id in own):
                    if count < len(case.costs):
                        cases[position] = case.only(whole[:count])
                        is_changed = True
                    break
    return cases


def independent(cases: Sequence[Case], scarce: Mapping[Cell, int]) -> list[list[Case]]:
    """The cases in parts of which none takes what another one could lack; in the order of the batch."""
    root = list(range(len(cases)))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    first: dict[Cell, int] = {}
    for position, case in enumerate(cases):
        for item in case.items:
            for node_id in item.at:
                for cell, _ in case.takes(item, node_id):
                    if cell in scarce:
                        a, b = find(position), find(first.setdefault(cell, position))
                        root[max(a, b)] = min(a, b)
    parts: dict[int, list[Case]] = {}
    for position, case in enumerate(cases):
        parts.setdefault(find(position), []).append(case)
    return list(parts.values())


def from_one_node(case: Case, scarce: Mapping[Cell, int]) -> int | None:
    """The cheapest node that has all of an order for which nobody competes, nor its own lines; None without one."""
    whole = [node_id for node_id in case.costs if all(item.at.get(node_id, 0) == item.count for item in case.items)]
    free_of = [
        node_id
        for node_id in whole
        if not any(cell in scarce for item in case.items for cell, _ in case.takes(item, node_id))
    ]
    return min(free_of, key=lambda node_id: case.costs[node_id], default=None)
