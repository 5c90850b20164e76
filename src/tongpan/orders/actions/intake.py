"""Intake of sales orders: many documents, one transaction, a constant number of statements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from tongpan.access import vault
from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.core.bulk import copy_rows, execute, fetch_all, next_ids
from tongpan.core.clock import business_day
from tongpan.core.eventlog import NewEvent, append
from tongpan.customers.actions import Sighting, identify
from tongpan.inventory.actions import release
from tongpan.orders.actions.facts import reserve_orders
from tongpan.orders.actions.shops import ShopInfo, refusal, shops_by_code
from tongpan.orders.engine import (
    STATUS_RANK,
    BuyerDoc,
    LineDoc,
    OrderDoc,
    Outcome,
    StoredOrder,
    content_of,
    digest,
    events_of,
    precedence,
    status_of,
)
from tongpan.orders.events import ACCEPTED, CHANGED

_TRIES = 4


@dataclass(frozen=True, slots=True)
class _Given:
    position: int
    doc: OrderDoc
    digest: bytes
    shop: ShopInfo


def accept(docs: Sequence[OrderDoc], *, actor: str, import_id: int | None = None, now: datetime) -> list[Outcome]:
    """Take sales orders in; the outcome of each, at the same position.

    A new order is stored with its lines, payments and events; when it is paid and not yet sent its goods are
    reserved from the pool, whole or not at all, and an order that the pool cannot serve waits on an
    out-of-stock hold. A copy of a stored order changes nothing, moves it forward, or is refused
    (``orders.engine.precedence``). A document that cannot be taken is refused on its own; the rest go in.

    One transaction. Rows are locked in the order SKU codes, identifiers, orders by (shop, number), pools by SKU
    id. A concurrent intake of the same order is waited for and then seen. Raises nothing for bad documents.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            with transaction.atomic():
                return _accept(docs, actor=actor, import_id=import_id, now=now)
        except (IntegrityError, OperationalError) as error:
            # Another intake brought the same order, or a deadlock was broken: look again.
            if attempt == _TRIES or not _is_race(error):
                raise
    raise AssertionError("unreachable")


def _is_race(error: DatabaseError) -> bool:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    name = getattr(getattr(cause, "diag", None), "constraint_name", None)
    return state in ("40P01", "40001") or (state == "23505" and name == "order_once")


def _accept(docs: Sequence[OrderDoc], *, actor: str, import_id: int | None, now: datetime) -> list[Outcome]:
    shops = shops_by_code({doc.shop_code for doc in docs})
    outcomes: dict[int, Outcome] = {}
    rounds: list[dict[tuple[int, str], _Given]] = []
    for position, doc in enumerate(docs):
        refused = refusal(doc, doc.placed_at, shops, now)
        if refused:
            outcomes[position] = refused
            continue
        given = _Given(position, doc, digest(doc), shops[doc.shop_code])
        key = (given.shop.id, doc.external_id)
        # A number that occurs twice in one batch is taken twice, in the order given.
        for one_round in rounds:
            if key not in one_round:
                one_round[key] = given
                break
        else:
            rounds.append({key: given})
    for one_round in rounds:
        outcomes |= _accept_round(one_round, actor=actor, import_id=import_id, now=now)
    return [outcomes[position] for position in range(len(docs))]


def _accept_round(
    given: dict[tuple[int, str], _Given], *, actor: str, import_id: int | None, now: datetime
) -> dict[int, Outcome]:
    stored = _stored(given)
    outcomes: dict[int, Outcome] = {}
    fresh: list[_Given] = []
    changed: list[tuple[_Given, StoredOrder]] = []
    for key in sorted(given):
        g = given[key]
        if key not in stored:
            fresh.append(g)
            continue
        old = stored[key]
        relation = precedence(g.doc, g.digest, old)
        if relation in ("unchanged", "stale"):
            outcomes[g.position] = Outcome("unchanged" if relation == "unchanged" else "stale", old.id)
        elif relation == "conflict" or not _only_adds_lines(g.doc, old):
            outcomes[g.position] = Outcome(
                "refused",
                old.id,
                f"Order {g.doc.external_id} is stored with other lines, and this copy does not say that it is "
                "newer; send the complete order with its time of last change.",
                "order.conflict",
            )
        else:
            changed.append((g, old))
    sku_ids = ensure_skus(_sku_specs([*fresh, *(g for g, _ in changed)]))
    if fresh:
        outcomes |= _insert(fresh, sku_ids, actor=actor, import_id=import_id, now=now)
    if changed:
        outcomes |= _update(changed, sku_ids, actor=actor, now=now)
    return outcomes


def _stored(given: dict[tuple[int, str], _Given]) -> dict[tuple[int, str], StoredOrder]:
    keys = sorted(given)
    rows = fetch_all(
        """SELECT o.shop_id, o.external_id, o.id, o.version, o.digest, o.status
           FROM orders_order o JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, external_id)
                ON (o.shop_id, o.external_id) = (k.shop_id, k.external_id)
           ORDER BY o.shop_id, o.external_id FOR UPDATE OF o""",
        [[shop_id for shop_id, _ in keys], [number for _, number in keys]],
    )
    differing = [row[2] for row in rows if bytes(row[4]) != given[(row[0], row[1])].digest]
    contents: dict[int, list[tuple[str, str, int, int]]] = {}
    if differing:
        for order_id, kind, code, qty, amount in fetch_all(
            """SELECT l.order_id, l.kind, coalesce(s.code, l.charge_code), l.qty, l.amount_minor
               FROM orders_orderline l LEFT JOIN catalog_sku s ON s.id = l.sku_id WHERE l.order_id = ANY(%s)""",
            [differing],
        ):
            contents.setdefault(order_id, []).append((kind, code, qty, amount))
    return {
        (shop_id, number): StoredOrder(order_id, version, bytes(old), status, contents.get(order_id, []))
        for shop_id, number, order_id, version, old, status in rows
    }


def _only_adds_lines(doc: OrderDoc, old: StoredOrder) -> bool:
    ours = content_of(doc.lines)
    for item in old.line_contents:
        if item not in ours:
            return False
        ours.remove(item)
    return True


def _sku_specs(given: Sequence[_Given]) -> dict[str, SkuSpec]:
    specs: dict[str, SkuSpec] = {}
    for g in given:
        for line in g.doc.lines:
            if line.kind == "goods" and (line.code not in specs or not specs[line.code].name):
                specs[line.code] = SkuSpec(line.name, line.product_code, line.product_name, line.category)
    return specs


def _customers(given: Sequence[_Given]) -> dict[int, int]:
    """Customer ids by position, for documents that name their buyer."""
    known: list[tuple[_Given, BuyerDoc]] = [(g, g.doc.buyer) for g in given if g.doc.buyer is not None]
    ids = identify([Sighting(b.kind, b.scope, b.value, g.doc.placed_at, b.name, b.province, b.city) for g, b in known])
    return {g.position: customer_id for (g, _), customer_id in zip(known, ids, strict=True)}


_ORDER_COLUMNS = (
    "id",
    "shop_id",
    "channel_id",
    "external_id",
    "version",
    "digest",
    "status",
    "channel_status",
    "customer_id",
    "business_date",
    "placed_at",
    "paid_at",
    "dispatched_at",
    "delivered_at",
    "completed_at",
    "cancelled_at",
    "promised_at",
    "currency",
    "goods_minor",
    "charges_minor",
    "total_minor",
    "paid_minor",
    "refunded_minor",
    "units",
    "ship_province",
    "ship_city",
    "ship_latitude",
    "ship_longitude",
    "recipient_sealed",
    "import_id",
    "is_simulated",
)


def _order_row(g: _Given, order_id: int, customer_id: int | None, import_id: int | None) -> tuple[Any, ...]:
    doc = g.doc
    goods, charges = doc.goods_minor, doc.charges_minor
    to = doc.ship_to
    return (
        order_id,
        g.shop.id,
        g.shop.channel_id,
        doc.external_id,
        doc.version,
        g.digest,
        status_of(doc),
        doc.channel_status[:60],
        customer_id,
        business_day(doc.placed_at, g.shop.zone),
        doc.placed_at,
        doc.paid_at,
        doc.dispatched_at,
        doc.delivered_at,
        doc.completed_at,
        doc.cancelled_at,
        doc.promised_at,
        doc.currency,
        goods,
        charges,
        goods + charges,
        doc.paid_minor,
        doc.refunded_minor,
        doc.units,
        to.province[:60],
        to.city[:60],
        to.latitude,
        to.longitude,
        _sealed_recipient(doc),
        import_id,
        doc.is_simulated,
    )


def _sealed_recipient(doc: OrderDoc) -> bytes:
    to = doc.ship_to
    if not (to.recipient or to.phone or to.address):
        return b""
    return vault.seal(json.dumps([to.recipient, to.phone, to.address], ensure_ascii=False))


def _line_rows(
    order_id: int, lines: Sequence[LineDoc], sku_ids: dict[str, int], first_no: int = 1
) -> Iterator[tuple[Any, ...]]:
    for line_no, line in enumerate(lines, first_no):
        if line.kind == "goods":
            sku_id, charge = sku_ids[line.code], ""
        else:
            sku_id, charge = None, line.code[:40]
        yield (
            order_id,
            line_no,
            line.line_key[:80],
            line.kind,
            sku_id,
            charge,
            line.name[:300],
            line.qty,
            line.unit_price,
            line.amount_minor,
            line.wanted_node,
        )


_LINE_COLUMNS = (
    "order_id",
    "line_no",
    "line_key",
    "kind",
    "sku_id",
    "charge_code",
    "name",
    "qty",
    "unit_price",
    "amount_minor",
    "wanted_node",
)


def _insert(
    fresh: list[_Given], sku_ids: dict[str, int], *, actor: str, import_id: int | None, now: datetime
) -> dict[int, Outcome]:
    customers = _customers(fresh)
    ids = next_ids("orders_order", len(fresh))
    pairs = list(zip(ids, fresh, strict=True))
    copy_rows(
        "orders_order",
        _ORDER_COLUMNS,
        (_order_row(g, order_id, customers.get(g.position), import_id) for order_id, g in pairs),
    )
    copy_rows(
        "orders_orderline",
        _LINE_COLUMNS,
        (row for order_id, g in pairs for row in _line_rows(order_id, g.doc.lines, sku_ids)),
    )
    copy_rows(
        "orders_payment",
        ("order_id", "seq", "method", "amount_minor", "paid_at"),
        ((order_id, p.seq, p.method[:40], p.amount_minor, p.paid_at) for order_id, g in pairs for p in g.doc.payments),
    )
    _record_events([(order_id, g.doc) for order_id, g in pairs], actor=actor)
    reserve_orders([order_id for order_id, g in pairs if _needs_reservation(g.doc)], actor=actor, now=now)
    append([_event(ACCEPTED, order_id, g) for order_id, g in pairs])
    return {g.position: Outcome("accepted", order_id) for order_id, g in pairs}


def _needs_reservation(doc: OrderDoc) -> bool:
    """Paid goods that are still here are promised at once; unpaid ones are not."""
    return status_of(doc) == "paid"


def _event(name: str, order_id: int, g: _Given) -> NewEvent:
    status = status_of(g.doc)
    needs_goods = status in ("paid", "dispatched", "delivered", "completed") and g.doc.units > 0
    day = business_day(g.doc.placed_at, g.shop.zone).isoformat()
    return NewEvent(name, str(order_id), {"day": day, "route": needs_goods or status == "cancelled"})


def _record_events(orders: Sequence[tuple[int, OrderDoc]], *, actor: str) -> None:
    facts = [(order_id, kind, at) for order_id, doc in orders for kind, at in events_of(doc)]
    execute(
        """INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
           SELECT f.order_id, f.kind, f.at, %s, '{}' FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[])
                AS f(order_id, kind, at)
           ON CONFLICT DO NOTHING""",
        [actor, [f[0] for f in facts], [f[1] for f in facts], [f[2] for f in facts]],
    )


def _update(
    changed: list[tuple[_Given, StoredOrder]], sku_ids: dict[str, int], *, actor: str, now: datetime
) -> dict[int, Outcome]:
    """Move stored orders forward: facts that were unknown are filled in, later lines added, money replaced."""
    added: list[tuple[int, list[LineDoc]]] = []
    first_free = {old.id: len(old.line_contents) + 1 for _, old in changed}
    for g, old in changed:
        known = list(old.line_contents)
        extra = []
        for line in g.doc.lines:
            item = (line.kind, line.code, line.qty, line.amount_minor)
            if item in known:
                known.remove(item)
            else:
                extra.append(line)
        if extra:
            added.append((old.id, extra))
    copy_rows(
        "orders_orderline",
        _LINE_COLUMNS,
        (row for order_id, extra in added for row in _line_rows(order_id, extra, sku_ids, first_free[order_id])),
    )
    customers = _customers([g for g, _ in changed])
    rows = [_order_row(g, old.id, customers.get(g.position), None) for g, old in changed]
    status = [max(status_of(g.doc), old.status, key=_rank(old.status)) for g, old in changed]
    _write_update(rows, status)
    _record_events([(old.id, g.doc) for g, old in changed], actor=actor)
    cancelled = [old.id for (_, old), new in zip(changed, status, strict=True) if new == "cancelled"]
    if cancelled:
        release(cancelled, actor=actor, now=now, reason="the order was cancelled")
    reserve_orders(
        [old.id for (_, old), new in zip(changed, status, strict=True) if new == "paid"], actor=actor, now=now
    )
    append([_event(CHANGED, old.id, g) for g, old in changed])
    return {g.position: Outcome("updated", old.id) for g, old in changed}


def _rank(old_status: str) -> Any:
    def rank(status: str) -> int:
        # Goods that have left cannot be cancelled any more: that would be a return.
        if status == "cancelled" and STATUS_RANK[old_status] >= STATUS_RANK["dispatched"]:
            return -1 if old_status != "cancelled" else STATUS_RANK["cancelled"]
        return STATUS_RANK[status]

    return rank


def _write_update(rows: list[tuple[Any, ...]], status: list[str]) -> None:
    column = {name: [row[i] for row in rows] for i, name in enumerate(_ORDER_COLUMNS)}
    execute(
        """UPDATE orders_order o SET
               version = coalesce(u.version, o.version), digest = u.digest, status = u.status,
               channel_status = coalesce(nullif(u.channel_status, ''), o.channel_status),
               customer_id = coalesce(o.customer_id, u.customer_id),
               paid_at = coalesce(u.paid_at, o.paid_at), dispatched_at = coalesce(u.dispatched_at, o.dispatched_at),
               delivered_at = coalesce(u.delivered_at, o.delivered_at),
               completed_at = coalesce(u.completed_at, o.completed_at),
               cancelled_at = coalesce(u.cancelled_at, o.cancelled_at),
               promised_at = coalesce(u.promised_at, o.promised_at), goods_minor = u.goods, charges_minor = u.charges,
               total_minor = u.goods + u.charges, paid_minor = coalesce(u.paid, o.paid_minor),
               refunded_minor = greatest(u.refunded, o.refunded_minor), units = u.units
           FROM unnest(%s::bigint[], %s::timestamptz[], %s::bytea[], %s::text[], %s::text[], %s::bigint[],
                       %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                       %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[],
                       %s::bigint[], %s::bigint[])
                AS u(id, version, digest, status, channel_status, customer_id, paid_at, dispatched_at,
                     delivered_at, completed_at, cancelled_at, promised_at, goods, charges, paid, refunded, units)
           WHERE o.id = u.id""",
        [
            column["id"],
            column["version"],
            column["digest"],
            status,
            column["channel_status"],
            column["customer_id"],
            column["paid_at"],
            column["dispatched_at"],
            column["delivered_at"],
            column["completed_at"],
            column["cancelled_at"],
            column["promised_at"],
            column["goods_minor"],
            column["charges_minor"],
            column["paid_minor"],
            column["refunded_minor"],
            column["units"],
        ],
    )
