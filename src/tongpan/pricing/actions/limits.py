"""Floors and costs: what prices are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.access.actions import audit
from tongpan.catalog.regions import province_of
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.pricing.actions.log import Logged, log_changes

MAX_MINOR = 10**14


@dataclass(frozen=True, slots=True)
class FloorSpec:
    """The least that a unit of a SKU may be offered and sold for; None takes the floor away.

    region: a province, spelled long or short; "" for everywhere. min_net_minor: the least after all discounts, at
    most the floor; None for the floor itself.
    """

    sku_code: str
    currency: str
    floor_minor: int | None
    region: str = ""
    min_net_minor: int | None = None


def set_floors(specs: Sequence[FloorSpec], *, actor: str, why: str = "", now: datetime) -> int:
    """Set or take away floors, all or none; how many. Five statements, whatever the number; locks the SKUs by id.

    Of the same floor given twice the last counts. Raises Refusal floor.sku for a SKU that does not exist,
    floor.region for a province that does not, floor.amount for amounts that are not positive or out of order.
    """
    rows = {(spec.sku_code, _region(spec), spec.currency): spec for spec in specs if _check(spec)}

    def work() -> int:
        codes = sorted({spec.sku_code for spec in specs})
        known = dict(
            fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [codes])
        )
        if missing := [code for code in codes if code not in known]:
            raise Refusal("floor.sku", f"There is no SKU {missing[0]!r}.")
        before = {
            (row[0], row[1], row[2]): {"floor_minor": row[3], "min_net_minor": row[4]}
            for row in fetch_all(
                """SELECT sku_id, region, currency, floor_minor, min_net_minor FROM pricing_pricefloor
                   WHERE sku_id = ANY(%s)""",
                [sorted(known.values())],
            )
        }
        given = {(known[sku], region, currency): spec for (sku, region, currency), spec in rows.items()}
        kept = sorted(
            (*key, spec.floor_minor, spec.min_net_minor) for key, spec in given.items() if spec.floor_minor is not None
        )
        gone = sorted(key for key, spec in given.items() if spec.floor_minor is None)
        execute(
            """INSERT INTO pricing_pricefloor (sku_id, region, currency, floor_minor, min_net_minor)
               SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
               ON CONFLICT (sku_id, region, currency) DO UPDATE
               SET floor_minor = excluded.floor_minor, min_net_minor = excluded.min_net_minor""",
            [[row[i] for row in kept] for i in range(5)],
        )
        execute(
            """DELETE FROM pricing_pricefloor p USING unnest(%s::bigint[], %s::text[], %s::text[])
                 AS g(sku_id, region, currency)
               WHERE (p.sku_id, p.region, p.currency) = (g.sku_id, g.region, g.currency)""",
            [[row[i] for row in gone] for i in range(3)],
        )
        log_changes(
            [
                Logged(
                    "floor",
                    sku_id=key[0],
                    before=before.get(key),
                    after=None
                    if spec.floor_minor is None
                    else {"floor_minor": spec.floor_minor, "min_net_minor": spec.min_net_minor},
                    scope={"region": key[1], "currency": key[2]},
                )
                for key, spec in sorted(given.items(), key=lambda item: item[0])
            ],
            actor=actor,
            why=why,
            now=now,
        )
        audit(actor, "price_floors.set", "sku", ",".join(codes)[:200], {"floors": len(specs)}, now=now)
        return len(specs)

    return run_in_transaction(work) if specs else 0


def _check(spec: FloorSpec) -> bool:
    of = f"The floor of {spec.sku_code}"
    if (spec.floor_minor is not None and not 0 < spec.floor_minor <= MAX_MINOR) or len(spec.currency) != 3:
        raise Refusal("floor.amount", f"{of} must be a positive amount of one currency.")
    if spec.min_net_minor is not None and not 0 < spec.min_net_minor <= (spec.floor_minor or 0):
        raise Refusal("floor.amount", f"{of}: the least net price must be positive and at most the floor.")
    return True


def _region(spec: FloorSpec) -> str:
    if not spec.region.strip():
        return ""
    if not (province := province_of(spec.region.strip(), "")):
        raise Refusal(
            "floor.region",
            f"The floor of {spec.sku_code}: there is no province {spec.region!r}; write it as 新疆 or 浙江省.",
        )
    return province
