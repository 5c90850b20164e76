"""The explanation of a plan: every node that was weighed, and why it was taken or not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tongpan.fulfillment.routing.basics import LISTED, NOWHERE, NOWHERE_AT_ALL, Candidate, NodeView, Stock


def explain(
    candidates: Sequence[Candidate],
    of: int,
    chosen: Sequence[NodeView] = (),
    rule: str = "",
    kept: tuple[Stock, Stock] = (NOWHERE_AT_ALL, NOWHERE_AT_ALL),
) -> dict[str, Any]:
    """of: how many nodes serve the shop. kept: what is on the shelves, and the floors."""
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
            row["outcome"] = "chosen"
        else:
            row["outcome"] = "eliminated"
            row["why"] = (
                "short" if c.missing and rule != "fewest-nodes" else "farther" if not c.missing else "more-nodes"
            )
            if c.missing:
                row["missing"] = c.missing[:5]
            if floors := _floors_at(c, *kept):
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
