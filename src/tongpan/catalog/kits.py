"""Kits: SKUs that are sold as one and stocked as their parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.catalog.events import KITS_CHANGED
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append

MAX_PARTS = 100
MAX_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class KitSpec:
    """A kit as it shall be. parts: units of each part by SKU code in one kit; none makes it a plain SKU again."""

    code: str
    parts: Mapping[str, int]


def parts_of(sku_ids: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """(part SKU id, units in one kit) of those of ``sku_ids`` that are kits. One statement."""
    found: dict[int, list[tuple[int, int]]] = {}
    for kit_id, part_id, qty in fetch_all(
        "SELECT kit_id, part_id, qty FROM catalog_kitpart WHERE kit_id = ANY(%s) ORDER BY kit_id, part_id",
        [sorted(set(sku_ids))],
    ):
        found.setdefault(kit_id, []).append((part_id, qty))
    return found


def save_kits(specs: Sequence[KitSpec], *, actor: str, now: datetime) -> None:
    """Give each kit exactly the parts its spec names. All or none; the number of statements is constant.

    What is promised already keeps the parts it was promised. Locks the SKUs named, by id. Raises Refusal kit.*
    (an unknown SKU, no or too many units, a kit as a part of another, the same kit twice).
    """
    if not specs:
        return
    codes = [spec.code for spec in specs]
    if len(set(codes)) != len(codes):
        raise Refusal("kit.twice", "The same kit is named twice in one request.")
    for spec in specs:
        _check(spec)
    named = sorted({spec.code for spec in specs} | {code for spec in specs for code in spec.parts})
    with transaction.atomic():
        ids = dict(
            fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [named])
        )
        if unknown := [code for code in named if code not in ids]:
            raise Refusal("kit.unknown", f"There is no SKU {', '.join(unknown)}; create it first.")
        kit_ids = [ids[code] for code in codes]
        had = parts_of(kit_ids)
        execute("DELETE FROM catalog_kitpart WHERE kit_id = ANY(%s)", [kit_ids])
        copy_rows(
            "catalog_kitpart",
            ("kit_id", "part_id", "qty"),
            ((ids[spec.code], ids[code], qty) for spec in specs for code, qty in sorted(spec.parts.items())),
        )
        nested = fetch_all(
            """SELECT DISTINCT s.code FROM catalog_kitpart a JOIN catalog_kitpart b ON b.kit_id = a.part_id
               JOIN catalog_sku s ON s.id = a.part_id WHERE a.kit_id = ANY(%s) OR b.kit_id = ANY(%s) ORDER BY 1""",
            [kit_ids, kit_ids],
        )
        if nested:
            inner = ", ".join(code for (code,) in nested)
            raise Refusal("kit.nested", f"{inner} would be a kit inside a kit; name the parts of the inner one.")
        append(
            [
                NewEvent(
                    KITS_CHANGED,
                    str(ids[spec.code]),
                    {"parts": sorted({p for p, _ in had.get(ids[spec.code], [])} | {ids[c] for c in spec.parts})},
                )
                for spec in specs
            ]
        )
        audit_many(
            [Note("kit.saved", "sku", spec.code, {"parts": dict(spec.parts)}) for spec in specs], actor=actor, now=now
        )


def _check(spec: KitSpec) -> None:
    if spec.code in spec.parts:
        raise Refusal("kit.itself", f"Kit {spec.code} cannot be a part of itself.")
    if len(spec.parts) > MAX_PARTS:
        raise Refusal("kit.parts", f"Kit {spec.code} has {len(spec.parts)} parts; at most {MAX_PARTS} are possible.")
    for code, qty in spec.parts.items():
        if not 0 < qty <= MAX_UNITS:
            raise Refusal("kit.qty", f"Kit {spec.code}: {qty} units of {code} are not between 1 and {MAX_UNITS}.")


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit and (part SKU id, code, name, units in one kit) of its parts, by code."""

    id: int
    code: str
    name: str
    parts: tuple[tuple[int, str, str, int], ...]


def all_kits(text: str = "") -> list[Kit]:
    """Every kit by code. text: the beginning of its code or of a part's, or part of its name. One statement."""
    found: dict[tuple[int, str, str], list[tuple[int, str, str, int]]] = {}
    for kit_id, code, name, *part in fetch_all(
        """SELECT k.id, k.code, k.name, s.id, s.code, s.name, p.qty FROM catalog_kitpart p
           JOIN catalog_sku k ON k.id = p.kit_id JOIN catalog_sku s ON s.id = p.part_id
           WHERE %(text)s = '' OR starts_with(lower(k.code), lower(%(text)s))
             OR strpos(lower(k.name), lower(%(text)s)) > 0
             OR EXISTS (SELECT FROM catalog_kitpart q JOIN catalog_sku t ON t.id = q.part_id
                        WHERE q.kit_id = k.id AND starts_with(lower(t.code), lower(%(text)s)))
           ORDER BY k.code, s.code""",
        {"text": text.replace("\x00", "")},
    ):
        found.setdefault((kit_id, code, name), []).append((part[0], part[1], part[2], part[3]))
    return [Kit(*key, tuple(parts)) for key, parts in found.items()]
