"""The explanation of a plan: every node that was weighed, and why it was taken or not. Pure.

The first thing that took a node out, as a code with its figures:

| why | because |
|---|---|
| group, only, facility, not-in-pool, territory | what the rule or the node says |
| service | {"service"}: no contract that is in force owes it |
| rejected | {"reason"}: it refused this order before |
| beyond | {"km": the rule's limit} |
| order-limit | {"given", "limit"} of its working day |
| closed | {"until": RFC 3339, absent when that is not known} |
| young | {"days", "least"}: its goods came in too lately |
| short | goods are missing; "floors" says what floors keep back |
| farther | another node with all goods is nearer |
| worse | {"by": the first rank in which the chosen node is better} |
| more-nodes | not part of the smallest set |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tongpan.fulfillment.routing.basics import LISTED, NOWHERE, NOWHERE_AT_ALL, Candidate, NodeView, Stock

Reason = tuple[str, Mapping[str, Any] | None]
"""Why a node is out, and the figures of it."""
Losing = Callable[[Candidate], tuple[str, Mapping[str, Any] | None, Sequence[int | None]]]
"""Why a node that has all goods was not taken, the figures, and its rank tuple (empty: by distance alone)."""


def by_distance_alone(_: Candidate) -> tuple[str, Mapping[str, Any] | None, Sequence[int | None]]:
    """Of nodes that have all goods the nearest is taken."""
    return "farther", None, ()


def explain(
    candidates: Sequence[Candidate],
    of: int,
    chosen: Sequence[NodeView] = (),
    kept: tuple[Stock, Stock] = (NOWHERE_AT_ALL, NOWHERE_AT_ALL),
    *,
    is_split: bool = False,
    removed: Mapping[int, Reason] | None = None,
    losing: Losing = by_distance_alone,
) -> dict[str, Any]:
    """of: how many nodes serve the shop. kept: what is on the shelves, and the floors. removed: by node id."""
    taken = {node.id for node in chosen}
    rows = []
    for rank, c in enumerate(candidates, 1):
        is_chosen = c.node.id in taken
        if rank > LISTED and not is_chosen:
            continue
        row: dict[str, Any] = {
            "node": c.node.code, "km": c.km, "have": c.have, "of": c.have + len(c.missing), "rank": rank,
        }  # fmt: skip
        if is_chosen:
            why, because, values = "", None, losing(c)[2]
        elif removed and c.node.id in removed:
            (why, because), values = removed[c.node.id], ()
        elif c.missing:
            why, because, values = "more-nodes" if is_split else "short", None, ()
        else:
            why, because, values = losing(c)
        row["outcome"] = "chosen" if is_chosen else "eliminated"
        row |= {name: said for name, said in (("why", why), ("because", because), ("values", values)) if said}
        if c.missing and not is_chosen:
            row["missing"] = c.missing[:5]
        if not is_chosen and (floors := _floors_at(c, *kept)):
            row["floors"] = floors
        rows.append(row)
    return {"candidates": rows} if len(rows) == of else {"candidates": rows, "others": of - len(rows)}


def _floors_at(candidate: Candidate, on_shelf: Stock, floors: Stock) -> list[dict[str, int]]:
    """The floors that keep back what the candidate lacks: "floor 2 leaves 1 of 3"."""
    found = []
    for sku_id in candidate.missing[:5]:
        floor = floors.get(sku_id, NOWHERE).get(candidate.node.id, 0)
        have = on_shelf.get(sku_id, NOWHERE).get(candidate.node.id, 0)
        if floor and have:
            found.append({"sku_id": sku_id, "floor": floor, "leaves": max(have - floor, 0), "of": have})
    return found
