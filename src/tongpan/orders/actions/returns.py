"""Intake of returns and corrections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.core.bulk import copy_rows, fetch_all, next_ids
from tongpan.core.clock import business_day
from tongpan.core.eventlog import NewEvent, append
from tongpan.customers.actions import Sighting, identify
from tongpan.inventory.actions import take_back
from tongpan.orders.actions.shops import ShopInfo, refusal, shops_by_code
from tongpan.orders.engine import CorrectionDoc, Outcome, ReturnDoc, digest
from tongpan.orders.events import CORRECTED, RETURN_RECEIVED

_TRIES = 4


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
    for attempt in range(1, _TRIES + 1):
        try:
            with transaction.atomic():
                return _accept(docs, actor=actor, import_id=import_id, now=now)
        except (IntegrityError, OperationalError) as error:
            if attempt == _TRIES or not _is_race(error):
                raise
    raise AssertionError("unreachable")


def _is_race(error: DatabaseError) -> bool:
    cause = error.__cause__
    name = getattr(getattr(cause, "diag", None), "constraint_name", None)
    state = getattr(cause, "sqlstate", None)
    return state in ("40P01", "40001") or (state == "23505" and name == "return_once")


def _accept(docs: Sequence[ReturnDoc], *, actor: str, import_id: int | None, now: datetime) -> list[Outcome]:
    shops = shops_by_code({doc.shop_code for doc in docs})
    outcomes: dict[int, Outcome] = {}
    fresh: dict[tuple[int, str], tuple[int, ReturnDoc, bytes]] = {}
    stored = _stored(docs, shops)
    for position, doc in enumerate(docs):
        refused = refusal(doc, doc.returned_at, shops, now) or _sign_refusal(doc)
        if refused:
            outcomes[position] = refused
            continue
        key = (shops[doc.shop_code].id, doc.external_id)
        content = digest(doc)
        known = stored.get(key) or ((0, fresh[key][2]) if key in fresh else None)
        if known is None:
            fresh[key] = (position, doc, content)
        elif known[1] == content:
            outcomes[position] = Outcome("unchanged", known[0] or None)
        else:
            outcomes[position] = Outcome(
                "refused",
                known[0] or None,
                f"Return {doc.external_id} is booked with other content; book its reversal under a new number.",
                "return.conflict",
            )
    outcomes |= _insert([fresh[key] for key in sorted(fresh)], shops, actor, import_id)
    return [outcomes[position] for position in range(len(docs))]


def _sign_refusal(doc: ReturnDoc) -> Outcome | None:
    if any(line.kind == "goods" and line.amount_minor > 0 for line in doc.lines):
        return Outcome(
            "refused",
            reason=f"Return {doc.external_id} has a goods line with a positive amount; a return takes money back.",
            code="return.sign",
        )
    return None


def _stored(docs: Sequence[ReturnDoc], shops: dict[str, ShopInfo]) -> dict[tuple[int, str], tuple[int, bytes]]:
    keys = sorted({(shops[d.shop_code].id, d.external_id) for d in docs if d.shop_code in shops})
    rows = fetch_all(
        """SELECT r.shop_id, r.external_id, r.id, r.digest
           FROM orders_return r JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, external_id)
                ON (r.shop_id, r.external_id) = (k.shop_id, k.external_id)""",
        [[shop_id for shop_id, _ in keys], [number for _, number in keys]],
    )
    return {(shop_id, number): (return_id, bytes(content)) for shop_id, number, return_id, content in rows}


def _insert(
    fresh: list[tuple[int, ReturnDoc, bytes]], shops: dict[str, ShopInfo], actor: str, import_id: int | None
) -> dict[int, Outcome]:
    if not fresh:
        return {}
    sku_ids = ensure_skus(
        {
            line.code: SkuSpec(line.name, line.product_code, line.product_name, line.category)
            for _, doc, _ in fresh
            for line in doc.lines
            if line.kind == "goods"
        }
    )
    known = [(position, doc, doc.buyer) for position, doc, _ in fresh if doc.buyer is not None]
    customer_ids = identify(
        [Sighting(b.kind, b.scope, b.value, doc.returned_at, b.name, b.province, b.city) for _, doc, b in known]
    )
    customers = {position: customer_id for (position, *_), customer_id in zip(known, customer_ids, strict=True)}
    orders = _orders_of([doc for _, doc, _ in fresh], shops)
    ids = next_ids("orders_return", len(fresh))

    nodes = _returns_nodes({shop.id for shop in shops.values()})

    def head(return_id: int, position: int, doc: ReturnDoc, content: bytes) -> tuple[Any, ...]:
        shop = shops[doc.shop_code]
        goods = sum(line.amount_minor for line in doc.lines if line.kind == "goods")
        charges = sum(line.amount_minor for line in doc.lines if line.kind == "charge")
        units = sum(line.qty for line in doc.lines if line.kind == "goods")
        return (
            return_id,
            shop.id,
            shop.channel_id,
            doc.external_id,
            content,
            "restocked" if shop.id in nodes else "received",
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
        (head(return_id, *item) for return_id, item in zip(ids, fresh, strict=True)),
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
                "" if line.kind == "goods" else line.code[:40],
                line.name[:300],
                line.qty,
                line.unit_price,
                line.amount_minor,
            )
            for return_id, (_, doc, _) in zip(ids, fresh, strict=True)
            for line_no, line in enumerate(doc.lines, 1)
        ),
    )
    take_back(
        [
            (return_id, nodes[shops[doc.shop_code].id], sku_ids[line.code], line.qty, doc.returned_at)
            for return_id, (_, doc, _) in zip(ids, fresh, strict=True)
            if shops[doc.shop_code].id in nodes
            for line in doc.lines
            if line.kind == "goods"
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
            for return_id, (_, doc, _) in zip(ids, fresh, strict=True)
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


@transaction.atomic
def accept_corrections(
    docs: Sequence[CorrectionDoc], *, actor: str, import_id: int | None = None, now: datetime
) -> list[Outcome]:
    """Book corrections; the outcome of each, at the same position. A line booked before is not booked again.

    One transaction, one insert, whatever the number of documents.
    """
    shops = shops_by_code({doc.shop_code for doc in docs})
    outcomes: dict[int, Outcome] = {}
    rows: list[tuple[int, CorrectionDoc, int]] = []
    for position, doc in enumerate(docs):
        refused = refusal(doc, doc.corrected_at, shops, now)
        if refused:
            outcomes[position] = refused
        else:
            outcomes[position] = Outcome("unchanged")
            rows += [(position, doc, line_no) for line_no in range(1, len(doc.lines) + 1)]
    positions = {(shops[doc.shop_code].id, doc.external_id): position for position, doc, _ in rows}
    days = [business_day(doc.corrected_at, shops[doc.shop_code].zone) for _, doc, _ in rows]
    lines = [doc.lines[line_no - 1] for _, doc, line_no in rows]
    booked = fetch_all(
        """INSERT INTO orders_correction (shop_id, channel_id, external_id, line_no, business_date, corrected_at,
                                          code, name, currency, amount_minor, import_id, is_simulated)
           SELECT c.shop_id, c.channel_id, c.external_id, c.line_no, c.business_date, c.corrected_at, c.code, c.name,
                  c.currency, c.amount_minor, %s, c.is_simulated
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::date[], %s::timestamptz[], %s::text[],
                       %s::text[], %s::text[], %s::bigint[], %s::bool[])
                AS c(shop_id, channel_id, external_id, line_no, business_date, corrected_at, code, name, currency,
                     amount_minor, is_simulated)
           ON CONFLICT DO NOTHING RETURNING shop_id, external_id, business_date, id""",
        [
            import_id,
            [shops[doc.shop_code].id for _, doc, _ in rows],
            [shops[doc.shop_code].channel_id for _, doc, _ in rows],
            [doc.external_id for _, doc, _ in rows],
            [line_no for *_, line_no in rows],
            days,
            [doc.corrected_at for _, doc, _ in rows],
            [line.code[:40] for line in lines],
            [line.name[:300] for line in lines],
            [doc.currency for _, doc, _ in rows],
            [line.amount_minor for line in lines],
            [doc.is_simulated for _, doc, _ in rows],
        ],
    )
    for shop_id, number, _, correction_id in booked:
        outcomes[positions[(shop_id, number)]] = Outcome("accepted", correction_id)
    append([NewEvent(CORRECTED, number, {"day": day.isoformat()}) for _, number, day, _ in booked])
    return [outcomes[position] for position in range(len(docs))]
