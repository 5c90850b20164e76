"""Intake of returns and corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from tongpan.catalog.actions import SkuSpec, ensure_skus, fullest
from tongpan.catalog.kits import parts_of
from tongpan.core.bulk import copy_rows, fetch_all, next_ids
from tongpan.core.clock import business_day
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.customers.actions import Sighting, identify
from tongpan.inventory.actions import take_back
from tongpan.orders.actions.checks import is_named, refusal_of_correction, refusal_of_return
from tongpan.orders.actions.matching import CaseMatches
from tongpan.orders.actions.shops import ShopInfo, shops_by_code
from tongpan.orders.engine import CHARGE_CODE_LENGTH, CorrectionDoc, Outcome, ReturnDoc, digest
from tongpan.orders.events import CORRECTED, RETURN_RECEIVED


def accept_returns(
    docs: Sequence[ReturnDoc], *, actor: str, import_id: int | None = None, now: datetime
) -> list[Outcome]:
    """Take returns in; the outcome of each, at the same position.

    Goods go back on sale at the node that takes the shop's returns, in the same transaction; a shop without one
    leaves its returns "received", their goods in no stock. The same document again is unchanged; one with the
    same number and other content is refused, for a booked return is reversed, not edited. An unknown order
    number leaves the return without an order. Locks the pools of the SKUs returned; a concurrent intake of the
    same return is waited for and then seen.
    """
    return run_in_transaction(
        lambda: _accept(docs, actor=actor, import_id=import_id, now=now), constraints=("return_once",)
    )


def book_returns(docs: Sequence[ReturnDoc], *, actor: str, now: datetime, is_restocked: bool) -> list[int]:
    """Book the returns of after-sale cases, whose goods are in stock already; their ids.

    In the caller's transaction. Raises Refusal with the reason of the first that cannot be taken.
    """
    shops = shops_by_code({doc.shop_code for doc in docs})
    for doc in docs:
        if refused := refusal_of_return(doc, shops, now):
            raise Refusal(refused.code, refused.reason)
    fresh = [_Fresh(position, doc, digest(doc), is_restocked) for position, doc in enumerate(docs)]
    made = _insert(fresh, shops, actor, None)
    return [made[position].document_id or 0 for position in range(len(docs))]


class _Fresh(NamedTuple):
    """A return that is new. is_restocked: None when its goods are to be put in stock with it; otherwise a case of
    after-sale has them, and this says whether they are on sale again. case_id: that case, when the channel told."""

    position: int
    doc: ReturnDoc
    content: bytes
    is_restocked: bool | None = None
    case_id: int | None = None


def _accept(docs: Sequence[ReturnDoc], *, actor: str, import_id: int | None, now: datetime) -> list[Outcome]:
    shops = shops_by_code({doc.shop_code for doc in docs})
    outcomes: dict[int, Outcome] = {}
    fresh: dict[tuple[int, str], _Fresh] = {}
    again: dict[int, tuple[int, str]] = {}
    refusals = [refusal_of_return(doc, shops, now) for doc in docs]
    taken = [doc for doc, refused in zip(docs, refusals, strict=True) if not refused]
    stored = _stored(taken, shops)
    cases = CaseMatches(taken, {code: shop.id for code, shop in shops.items()})
    for position, (doc, refused) in enumerate(zip(docs, refusals, strict=True)):
        if refused:
            outcomes[position] = refused
            continue
        key = (shops[doc.shop_code].id, doc.external_id)
        content = digest(doc)
        if key not in stored and key not in fresh:
            case = cases.match(key, doc)
            if case is None or case.return_id is None:
                # A case that is not booked yet takes this as its booking; its goods come by the case.
                fresh[key] = _Fresh(position, doc, content, None if case is None else False, case and case.id)
            else:
                outcomes[position] = Outcome("unchanged", case.return_id)
            continue
        return_id, booked = stored[key] if key in stored else (None, fresh[key].content)
        if return_id is None:
            again[position] = key
        outcomes[position] = (
            Outcome("unchanged", return_id)
            if booked == content
            else Outcome(
                "refused",
                return_id,
                f"Return {doc.external_id} is booked with other content; book its reversal under a new number.",
                "return.conflict",
            )
        )
    made = _insert([fresh[key] for key in sorted(fresh)], shops, actor, import_id)
    outcomes |= made
    for position, key in again.items():
        outcomes[position] = replace(outcomes[position], document_id=made[fresh[key].position].document_id)
    cases.settle({f.case_id: made[f.position].document_id for f in fresh.values() if f.case_id}, actor=actor, now=now)
    return [outcomes[position] for position in range(len(docs))]


def _stored(docs: Sequence[ReturnDoc], shops: dict[str, ShopInfo]) -> dict[tuple[int, str], tuple[int, bytes]]:
    keys = sorted({(shops[d.shop_code].id, d.external_id) for d in docs})
    rows = fetch_all(
        """SELECT r.shop_id, r.external_id, r.id, r.digest
           FROM orders_return r JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, external_id)
                ON (r.shop_id, r.external_id) = (k.shop_id, k.external_id)""",
        [[shop_id for shop_id, _ in keys], [number for _, number in keys]],
    )
    return {(shop_id, number): (return_id, bytes(content)) for shop_id, number, return_id, content in rows}


def _insert(
    fresh: Sequence[_Fresh], shops: dict[str, ShopInfo], actor: str, import_id: int | None
) -> dict[int, Outcome]:
    if not fresh:
        return {}
    sku_ids = ensure_skus(
        fullest(
            (line.code, SkuSpec(line.name, line.product_code, line.product_name, line.category))
            for _, doc, *_ in fresh
            for line in doc.lines
            if line.kind == "goods"
        )
    )
    known = [(position, doc, doc.buyer) for position, doc, *_ in fresh if is_named(doc.buyer)]
    customer_ids = identify(
        [Sighting(b.kind, b.scope, b.value, doc.returned_at, b.name, b.province, b.city) for _, doc, b in known]
    )
    customers = {position: customer_id for (position, *_), customer_id in zip(known, customer_ids, strict=True)}
    orders = _orders_of([f.doc for f in fresh], shops)
    ids = next_ids("orders_return", len(fresh))

    nodes = _returns_nodes({shop.id for shop in shops.values()})

    def head(return_id: int, one: _Fresh) -> tuple[Any, ...]:
        position, doc, content, is_restocked, _ = one
        shop = shops[doc.shop_code]
        if is_restocked is None:
            is_restocked = shop.id in nodes
        goods = sum(line.amount_minor for line in doc.lines if line.kind == "goods")
        charges = sum(line.amount_minor for line in doc.lines if line.kind == "charge")
        units = sum(line.qty for line in doc.lines if line.kind == "goods")
        return (
            return_id,
            shop.id,
            shop.channel_id,
            doc.external_id,
            content,
            "restocked" if is_restocked else "received",
            orders.get((shop.id, doc.order_external_id)),
            customers.get(position),
            business_day(doc.returned_at, shop.zone),
            doc.returned_at,
            doc.currency,
            goods,
            charges,
            goods + charges,
            units,
            import_id,
            doc.is_simulated,
        )

    copy_rows(
        "orders_return",
        (
            "id",
            "shop_id",
            "channel_id",
            "external_id",
            "digest",
            "status",
            "order_id",
            "customer_id",
            "business_date",
            "returned_at",
            "currency",
            "goods_minor",
            "charges_minor",
            "total_minor",
            "units",
            "import_id",
            "is_simulated",
        ),
        (head(return_id, one) for return_id, one in zip(ids, fresh, strict=True)),
    )
    copy_rows(
        "orders_returnline",
        (
            "return_doc_id",
            "line_no",
            "kind",
            "sku_id",
            "charge_code",
            "name",
            "qty",
            "unit_price",
            "amount_minor",
        ),
        (
            (
                return_id,
                line_no,
                line.kind,
                sku_ids[line.code] if line.kind == "goods" else None,
                "" if line.kind == "goods" else line.code[:CHARGE_CODE_LENGTH],
                line.name[:300],
                line.qty,
                line.unit_price,
                line.amount_minor,
            )
            for return_id, (_, doc, *_) in zip(ids, fresh, strict=True)
            for line_no, line in enumerate(doc.lines, 1)
        ),
    )
    kits = parts_of(sku_ids.values())
    take_back(
        [
            (return_id, nodes[shops[doc.shop_code].id], part_id, line.qty * units, doc.returned_at)
            for return_id, (_, doc, _, is_restocked, _) in zip(ids, fresh, strict=True)
            if is_restocked is None and shops[doc.shop_code].id in nodes
            for line in doc.lines
            if line.kind == "goods"
            for part_id, units in kits.get(sku_ids[line.code], [(sku_ids[line.code], 1)])
        ],
        actor=actor,
    )
    append(
        [
            NewEvent(
                RETURN_RECEIVED,
                str(return_id),
                {"day": business_day(doc.returned_at, shops[doc.shop_code].zone).isoformat()},
            )
            for return_id, (_, doc, *_) in zip(ids, fresh, strict=True)
        ]
    )
    return {position: Outcome("accepted", i) for i, (position, *_) in zip(ids, fresh, strict=True)}


def _returns_nodes(shop_ids: set[int]) -> dict[int, int]:
    return dict(
        fetch_all(
            """SELECT s.shop_id, s.node_id FROM network_service s JOIN network_node n ON n.id = s.node_id
               WHERE s.shop_id = ANY(%s) AND s.takes_returns AND n.tracks_stock""",
            [sorted(shop_ids)],
        )
    )


def _orders_of(docs: Sequence[ReturnDoc], shops: dict[str, ShopInfo]) -> dict[tuple[int, str], int]:
    keys = sorted({(shops[d.shop_code].id, d.order_external_id) for d in docs if d.order_external_id})
    if not keys:
        return {}
    rows = fetch_all(
        """SELECT o.shop_id, o.external_id, o.id
           FROM orders_order o JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, external_id)
                ON (o.shop_id, o.external_id) = (k.shop_id, k.external_id)""",
        [[shop_id for shop_id, _ in keys], [number for _, number in keys]],
    )
    return {(shop_id, number): order_id for shop_id, number, order_id in rows}


def accept_corrections(
    docs: Sequence[CorrectionDoc], *, actor: str, import_id: int | None = None, now: datetime
) -> list[Outcome]:
    """Book corrections; the outcome of each, at the same position. A line booked before is not booked again.

    A document booked before with another line in the same place is refused whole: a correction is reversed, not
    edited. One transaction; rows are inserted in ascending order of (shop, number, line), so that two intakes
    cannot wait for each other. The number of statements does not grow with the batch.
    """
    return run_in_transaction(
        lambda: _accept_corrections(docs, actor=actor, import_id=import_id, now=now), constraints=("correction_once",)
    )


def _accept_corrections(
    docs: Sequence[CorrectionDoc], *, actor: str, import_id: int | None, now: datetime
) -> list[Outcome]:
    shops = shops_by_code({doc.shop_code for doc in docs})
    outcomes: dict[int, Outcome] = {}
    named: list[tuple[tuple[int, str], int, CorrectionDoc]] = []
    for position, doc in enumerate(docs):
        refused = refusal_of_correction(doc, shops, now)
        if refused:
            outcomes[position] = refused
        else:
            named.append(((shops[doc.shop_code].id, doc.external_id), position, doc))
    booked = _booked({key for key, _, _ in named})
    fresh: list[tuple[tuple[int, str], int, CorrectionDoc, int]] = []
    for key, position, doc in named:
        known = booked.setdefault(key, {})
        lines = {no: (line.code[:CHARGE_CODE_LENGTH], line.amount_minor) for no, line in enumerate(doc.lines, 1)}
        if any(known.get(no, content) != content for no, content in lines.items()):
            outcomes[position] = Outcome(
                "refused",
                reason=f"Correction {doc.external_id} is booked with other content; book its reversal under a new "
                "number.",
                code="correction.conflict",
            )
            continue
        new = [no for no in lines if no not in known]
        known |= lines
        fresh += [(key, position, doc, no) for no in new]
        outcomes[position] = Outcome("accepted" if new else "unchanged")
    fresh.sort(key=lambda item: (item[0], item[3]))
    ids = next_ids("orders_correction", len(fresh))
    copy_rows(
        "orders_correction",
        (
            "id", "shop_id", "channel_id", "external_id", "line_no", "business_date", "corrected_at", "code", "name",
            "currency", "amount_minor", "import_id", "is_simulated",
        ),
        (
            (i, *_correction_row(doc, no, shops[doc.shop_code]), import_id, doc.is_simulated)
            for i, (_, _, doc, no) in zip(ids, fresh, strict=True)
        ),
    )  # fmt: skip
    for i, (_, position, _, _) in zip(reversed(ids), reversed(fresh), strict=True):
        outcomes[position] = Outcome("accepted", i)
    days = {(number, business_day(doc.corrected_at, shops[doc.shop_code].zone)) for (_, number), _, doc, _ in fresh}
    append([NewEvent(CORRECTED, number, {"day": day.isoformat()}) for number, day in sorted(days)])
    return [outcomes[position] for position in range(len(docs))]


def _booked(keys: set[tuple[int, str]]) -> dict[tuple[int, str], dict[int, tuple[str, int]]]:
    """(code, amount) of the lines booked before, by line number, of each (shop, number) that is known."""
    rows = fetch_all(
        """SELECT c.shop_id, c.external_id, c.line_no, c.code, c.amount_minor
           FROM orders_correction c JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, external_id)
                ON (c.shop_id, c.external_id) = (k.shop_id, k.external_id)""",
        [[shop_id for shop_id, _ in sorted(keys)], [number for _, number in sorted(keys)]],
    )
    booked: dict[tuple[int, str], dict[int, tuple[str, int]]] = {}
    for shop_id, number, line_no, code, amount in rows:
        booked.setdefault((shop_id, number), {})[line_no] = (code, amount)
    return booked


def _correction_row(doc: CorrectionDoc, line_no: int, shop: ShopInfo) -> tuple[Any, ...]:
    line = doc.lines[line_no - 1]
    return (
        shop.id,
        shop.channel_id,
        doc.external_id,
        line_no,
        business_day(doc.corrected_at, shop.zone),
        doc.corrected_at,
        line.code[:CHARGE_CODE_LENGTH],
        line.name[:300],
        doc.currency,
        line.amount_minor,
    )
