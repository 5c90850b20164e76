"""Region-limited goods: SKUs that are sold to some provinces only (PRD-08)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.network.geography import locate

MAX_PROVINCES = 40


def limit_regions(limits: Mapping[str, Sequence[str]], *, actor: str, now: datetime) -> dict[str, list[str]]:
    """Let each SKU, by code, be sold to exactly these provinces; none lets it be sold everywhere again.

    Provinces may be spelled long or short (新疆, 新疆维吾尔自治区); what is stored is returned, by SKU code. All or
    none; the number of statements is constant. Locks the SKUs by id. Raises Refusal region.* (an unknown SKU or
    province).
    """
    wanted = {code: _provinces(code, names) for code, names in limits.items()}
    if not wanted:
        return {}
    codes = sorted(wanted)
    with transaction.atomic():
        ids = dict(
            fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [codes])
        )
        if unknown := [code for code in codes if code not in ids]:
            raise Refusal("region.sku", f"There is no SKU {', '.join(unknown)}; create it first.")
        execute("DELETE FROM catalog_skuregion WHERE sku_id = ANY(%s)", [sorted(ids.values())])
        copy_rows(
            "catalog_skuregion",
            ("sku_id", "province"),
            ((ids[code], province) for code in codes for province in wanted[code]),
        )
        audit_many(
            [Note("sku.regions", "sku", code, {"provinces": wanted[code]}) for code in codes], actor=actor, now=now
        )
    return wanted


def regions_of(sku_ids: Collection[int]) -> dict[int, list[str]]:
    """The provinces that those of ``sku_ids`` with a limit are sold to, by SKU id. One statement."""
    found: dict[int, list[str]] = {}
    for sku_id, province in fetch_all(
        "SELECT sku_id, province FROM catalog_skuregion WHERE sku_id = ANY(%s) ORDER BY sku_id, province",
        [sorted(set(sku_ids))],
    ):
        found.setdefault(sku_id, []).append(province)
    return found


def province_of(province: str, city: str) -> str:
    """The province of a destination in its full spelling; "" when the place is not known."""
    place = locate(province, city) or locate(province, "")
    return place.province if place else ""


def _provinces(code: str, names: Sequence[str]) -> list[str]:
    if len(names) > MAX_PROVINCES:
        raise Refusal("region.many", f"SKU {code}: {len(names)} provinces are more than there are.")
    found = {name.strip(): province_of(name, "") for name in names if name.strip()}
    if unknown := [name for name, province in found.items() if not province]:
        raise Refusal(
            "region.province", f"SKU {code}: there is no province {', '.join(unknown)}; write it as 新疆 or 浙江省."
        )
    return sorted(set(found.values()))
