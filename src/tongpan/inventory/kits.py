"""How many of each kit can be made from what the pool has."""

from __future__ import annotations

from dataclasses import dataclass

from tongpan.catalog.kits import Kit, all_kits
from tongpan.inventory.matrix import pool_rows


@dataclass(frozen=True, slots=True)
class KitStock:
    """makeable: whole kits that the parts available in the pool make. scarce: the parts that limit it, by code."""

    kit: Kit
    makeable: int
    scarce: tuple[str, ...]


def kit_stocks(text: str = "") -> list[KitStock]:
    """Every kit of ``all_kits(text)`` with how many can be made. Each kit is counted as if it were made alone."""
    kits = all_kits(text)
    stock = pool_rows({part_id for kit in kits for part_id, *_ in kit.parts})
    found = []
    for kit in kits:
        counts = {code: max(0, stock[part_id].available) // qty for part_id, code, _, qty in kit.parts}
        least = min(counts.values())
        found.append(KitStock(kit, least, tuple(code for code, count in counts.items() if count == least)))
    return found
