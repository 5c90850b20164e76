"""Floors and costs: what prices are held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.access.actions import audit
from tongpan.catalog.regions import province_of
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.actions.log import Logged, log_changes
from tongpan.pricing.engine.splicing import Piece, Span, amount_at, holds, splice
from tongpan.pricing.events import LIMITS_CHANGED

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
        append([NewEvent(LIMITS_CHANGED, str(sku_id), {}) for sku_id in sorted(known.values())])
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


@dataclass(frozen=True, slots=True)
class CostSpec:
    """What a unit of a SKU costs from ``starts_at`` (None: now) until changed; amount_minor None ends the cost."""

    sku_code: str
    currency: str
    amount_minor: int | None
    starts_at: datetime | None = None


def set_costs(specs: Sequence[CostSpec], *, actor: str, why: str = "", now: datetime) -> int:
    """Set costs, all or none; how many changed. Five statements, whatever the number; locks the SKUs by id.

    What was known for the time from a cost's beginning on is ended, also what had not begun yet. A cost may begin in
    the past where none was known then. Raises Refusal cost.sku, cost.amount, cost.past or cost.twice.
    """
    for spec in specs:
        if (spec.amount_minor is not None and not 0 <= spec.amount_minor <= MAX_MINOR) or len(spec.currency) != 3:
            raise Refusal(
                "cost.amount", f"The cost of {spec.sku_code} must be an amount of one currency, not negative."
            )
    keys = [(spec.sku_code, spec.currency) for spec in specs]
    if len(set(keys)) != len(keys):
        raise Refusal("cost.twice", "The cost of one SKU is set twice in one request.")

    def work() -> int:
        codes = sorted({spec.sku_code for spec in specs})
        known = dict(
            fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [codes])
        )
        if missing := [code for code in codes if code not in known]:
            raise Refusal("cost.sku", f"There is no SKU {missing[0]!r}.")
        spans: defaultdict[tuple[int, str], list[Span]] = defaultdict(list)
        for sku_id, currency, *span in fetch_all(
            """SELECT sku_id, currency, id, amount_minor, lower(valid), upper(valid) FROM pricing_skucost
               WHERE sku_id = ANY(%s) AND NOT isempty(valid) ORDER BY lower(valid) NULLS FIRST""",
            [sorted(known.values())],
        ):
            spans[sku_id, currency].append(Span(*span))
        changes: list[Logged] = []
        ends: dict[int, datetime | None] = {}
        adds: list[tuple[tuple[int, str], Piece]] = []
        for spec in specs:
            key = (known[spec.sku_code], spec.currency)
            piece = Piece(spec.amount_minor, spec.starts_at or now, None)
            held = spans.get(key, [])
            if holds(held, piece):
                continue
            if piece.start < now and any(span.end is None or span.end > piece.start for span in held):
                raise Refusal(
                    "cost.past", f"A cost of {spec.sku_code} counted then already; what is past cannot change."
                )
            done = splice(held, [piece])
            ends |= done.ends
            adds += [(key, one) for one in done.adds]
            before = amount_at(held, piece.start)
            changes.append(
                Logged(
                    "cost",
                    sku_id=key[0],
                    before=None if before is None else {"amount_minor": before},
                    after={"amount_minor": piece.amount_minor, "starts_at": piece.start.isoformat()},
                    scope={"currency": spec.currency},
                )
            )
        execute(
            """UPDATE pricing_skucost e
               SET valid = CASE WHEN g.at IS NULL THEN 'empty'::tstzrange ELSE tstzrange(lower(e.valid), g.at) END
               FROM unnest(%s::bigint[], %s::timestamptz[]) AS g(id, at) WHERE e.id = g.id""",
            [list(ends), list(ends.values())],
        )
        copy_rows(
            "pricing_skucost",
            ("sku_id", "currency", "amount_minor", "valid", "created_by", "created_at"),
            (
                (sku_id, currency, piece.amount_minor, f"[{piece.start.isoformat()},)", actor, now)
                for (sku_id, currency), piece in adds
            ),
        )
        log_changes(changes, actor=actor, why=why, now=now)
        audit(actor, "price_costs.set", "sku", ",".join(codes)[:200], {"costs": len(changes)}, now=now)
        append([NewEvent(LIMITS_CHANGED, str(known[code]), {}) for code in codes])
        return len(changes)

    return run_in_transaction(work) if specs else 0
